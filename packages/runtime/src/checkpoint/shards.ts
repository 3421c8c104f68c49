import { join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { orMissing } from "./or-missing.ts";
import { readJson } from "./read-json.ts";
import { openSafetensors, type SafetensorsFile, withFile } from "./safetensors-file.ts";
import { quoted } from "./safetensors-header.ts";

const wholeName = "model.safetensors";
const indexName = "model.safetensors.index.json";
/** Bytes; the index of a model of 90,000 tensors has 9 million. */
const indexLimit = 32_000_000;
const shardLimit = 4096;

/**
 * The weight files of a folder: `model.safetensors`, or the shards that the index lists, whose headers are
 * read and compared with it. Throws `CheckpointError`.
 */
export async function openWeights(folder: string): Promise<SafetensorsFile[]> {
  const whole = await orMissing(openSafetensors(join(folder, wholeName)));
  if (whole) return [whole];
  const indexPath = join(folder, indexName);
  const weightMap = await readWeightMap(folder, indexPath);
  const files: SafetensorsFile[] = [];
  for (const shard of new Set(weightMap.values())) files.push(await openShard(folder, shard, indexPath));
  checkWeightMap(weightMap, files, folder, indexPath);
  return files;
}

/** The names of the weight files of a folder, without opening them. Throws `CheckpointError`. */
export async function weightFileNames(folder: string): Promise<string[]> {
  const whole = await orMissing(withFile(join(folder, wholeName), async () => wholeName));
  if (whole) return [whole];
  return [...new Set((await readWeightMap(folder, join(folder, indexName))).values())];
}

async function readWeightMap(folder: string, indexPath: string): Promise<Map<string, string>> {
  const index = await orMissing(readJson(indexPath, indexLimit));
  if (index === undefined) {
    throw new CheckpointError("not-found", folder, `it has neither ${wholeName} nor ${indexName}`);
  }
  return weightMapOf(index, indexPath);
}

/** `weight_map`: from a tensor's name to the file that has it. */
function weightMapOf(index: unknown, path: string): Map<string, string> {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new CheckpointError("invalid-index", path, "expected an object weight_map");
  }
  const weightMap = new Map<string, string>();
  const shards = new Set<string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !isPlainName(shard)) {
      const received = typeof shard === "string" ? quoted(shard) : typeof shard;
      const reason = `tensor ${quoted(tensor)} is in ${received}, expected the name of a .safetensors file beside the index`;
      throw new CheckpointError("invalid-index", path, reason, { tensor });
    }
    if (shards.add(shard).size > shardLimit) {
      throw new CheckpointError("invalid-index", path, `it names more than ${shardLimit} files`);
    }
    weightMap.set(tensor, shard);
  }
  if (weightMap.size === 0) throw new CheckpointError("invalid-index", path, "its weight_map is empty");
  return weightMap;
}

/** A name of letters, digits, `.`, `_` and `-`, so that it can lead nowhere else on any system. */
function isPlainName(shard: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}\.safetensors$/.test(shard);
}

async function openShard(folder: string, shard: string, indexPath: string): Promise<SafetensorsFile> {
  const path = join(folder, shard);
  const file = await orMissing(openSafetensors(path));
  if (file) return file;
  throw new CheckpointError("not-found", path, `there is no such file, but ${indexPath} lists it`);
}

function checkWeightMap(
  weightMap: ReadonlyMap<string, string>,
  files: readonly SafetensorsFile[],
  folder: string,
  indexPath: string,
): void {
  const found = new Map<string, string>();
  for (const { path, tensors } of files) {
    for (const tensor of tensors.keys()) {
      const other = found.get(tensor);
      if (other !== undefined) {
        const reason = `tensor ${quoted(tensor)} is in two of its files, ${other} and ${path}`;
        throw new CheckpointError("invalid-index", indexPath, reason, { tensor });
      }
      found.set(tensor, path);
    }
  }
  for (const [tensor, shard] of weightMap) {
    if (found.get(tensor) === join(folder, shard)) continue;
    const place = found.get(tensor) ?? "in none of its files";
    const reason = `it says that tensor ${quoted(tensor)} is in ${shard}, but it is ${place}`;
    throw new CheckpointError("invalid-index", indexPath, reason, { tensor });
  }
}
