import { modelPath, tinyModels } from "@kvasir/tiny-models";

/** The folder of an embedded model that is named, else the path as it is. */
export function modelFolder(name: string): string {
  const embedded = tinyModels.find((model) => model === name);
  return embedded ? modelPath(embedded) : name;
}
