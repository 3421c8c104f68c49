import { checkBoolean, checkInteger, checkNumber, maxInt32 } from "./check-argument.ts";
import { OperandCheck } from "./operand-check.ts";
import type { Instruction, Program } from "./program.ts";

type Op<Name extends Instruction["op"]> = Extract<Instruction, { op: Name }>;
type Check<Name extends Instruction["op"]> = (operands: OperandCheck, instruction: Op<Name>) => void;

/** Checks every instruction in its order; the rest of the program has been checked before. */
export function validateInstructions(program: Program): void {
  const operands = new OperandCheck(program);
  const writtenKvLayers = new Set<number>();
  let bodyEnd = 0;
  program.instructions.forEach((instruction, i) => {
    operands.instruction = `instruction ${i} (${String(instruction.op)})`;
    if (i === bodyEnd) operands.closeBody();
    switch (instruction.op) {
      case "iterate":
        if (i < bodyEnd) operands.fail("op", "is inside another iterate", "no nesting");
        checkIterate(operands, instruction, program.instructions.slice(i + 1));
        for (const kvLayer of instruction.kvLayers) writtenKvLayers.add(kvLayer);
        bodyEnd = i + 1 + instruction.body;
        operands.openBody();
        break;
      case "attend":
        checkAttend(operands, instruction);
        // A slot that nothing wrote holds what the last owner of its page left there.
        if (!writtenKvLayers.has(instruction.kvLayer)) {
          const expected = "one that was written before, or that an iterate around it lists";
          operands.fail("kvLayer", `is ${instruction.kvLayer}`, expected);
        }
        break;
      case "writeKv":
        checkWriteKv(operands, instruction);
        writtenKvLayers.add(instruction.kvLayer);
        break;
      default:
        checkRowwise(operands, instruction);
    }
  });
  operands.instruction = "logits";
  operands.closeBody();
  operands.read("buffer", program.logits, "outputs");
}

function checkRowwise(
  operands: OperandCheck,
  instruction: Exclude<Instruction, Op<"iterate" | "attend" | "writeKv">>,
): void {
  switch (instruction.op) {
    case "embed": {
      const width = operands.width("out", instruction.out, "tokens");
      operands.table("table", instruction.table, [operands.program.vocabSize, width]);
      operands.write(instruction.out);
      break;
    }
    case "rmsNorm":
      checkRmsNorm(operands, instruction);
      break;
    case "linear":
      checkLinear(operands, instruction);
      break;
    case "gated":
      checkGated(operands, instruction);
      break;
    case "rope":
      operands.heads("x", operands.read("x", instruction.x, "tokens"));
      operands.index("rope", instruction.rope, operands.program.ropes.length);
      operands.writeLike(instruction.out, instruction.x);
      break;
    case "swiglu":
      operands.read("gate", instruction.gate);
      operands.readLike("up", instruction.up, instruction.gate);
      operands.writeLike(instruction.out, instruction.gate);
      break;
    case "add":
      operands.read("a", instruction.a);
      operands.readLike("b", instruction.b, instruction.a);
      operands.writeLike(instruction.out, instruction.a);
      break;
    case "gatherOutputs": {
      const width = operands.read("x", instruction.x, "tokens");
      operands.expectWidth("out", operands.width("out", instruction.out, "outputs"), width);
      operands.write(instruction.out);
      break;
    }
    default:
      operands.fail("op", "is unknown", "one of the op set");
  }
}

const checkRmsNorm: Check<"rmsNorm"> = (operands, { out, x, weight, eps }) => {
  const width = operands.read("x", x);
  const { shape } = operands.floatTensor("weight", weight);
  if (shape.length !== 1 || width % shape[0]! !== 0) {
    operands.fail("weight", `is tensor ${weight} [${String(shape)}]`, `one dimension that divides ${width}`);
  }
  checkAtLeast0(`${operands.instruction}: eps`, eps);
  operands.writeLike(out, x);
};

const checkLinear: Check<"linear"> = (operands, { out, x, weight, bias, residual }) => {
  const inWidth = operands.read("x", x);
  const { rows } = operands.program.buffers[x]!;
  const outWidth = operands.width("out", out, rows);
  if (out === x) operands.fail("out", `is buffer ${out}`, "another buffer than x");
  operands.weight("weight", weight, [outWidth, inWidth]);
  if (bias !== undefined) operands.expectShape("bias", bias, operands.floatTensor("bias", bias), [outWidth]);
  if (residual !== undefined)
    operands.expectWidth("residual", operands.read("residual", residual, rows), outWidth);
  operands.write(out);
};

const checkGated: Check<"gated"> = (operands, { out, x, gate, up }) => {
  const inWidth = operands.read("x", x);
  const outWidth = operands.width("out", out, operands.program.buffers[x]!.rows);
  if (out === x) operands.fail("out", `is buffer ${out}`, "another buffer than x");
  const { dtype } = operands.weight("gate", gate, [outWidth, inWidth]);
  const found = operands.weight("up", up, [outWidth, inWidth]).dtype;
  if (found !== dtype) operands.fail("up", `is tensor ${up} of dtype ${found}`, `${dtype}, as gate is`);
  operands.write(out);
};

const checkWriteKv: Check<"writeKv"> = (operands, { kvLayer, k, v, rope }) => {
  const { kvLayers, kvHeads, headDim, ropes } = operands.program;
  operands.index("kvLayer", kvLayer, kvLayers);
  operands.expectWidth("k", operands.read("k", k, "tokens"), kvHeads * headDim);
  operands.expectWidth("v", operands.read("v", v, "tokens"), kvHeads * headDim);
  if (rope !== undefined) operands.index("rope", rope, ropes.length);
};

const checkAttend: Check<"attend"> = (operands, { out, q, kvLayer, scale, strict, window, rope }) => {
  const { kvHeads, kvLayers, ropes } = operands.program;
  const heads = operands.heads("q", operands.read("q", q, "tokens"));
  if (heads % kvHeads !== 0) operands.fail("q", `has ${heads} heads`, `a multiple of kvHeads (${kvHeads})`);
  operands.index("kvLayer", kvLayer, kvLayers);
  const name = operands.instruction;
  checkNumber(`${name}: scale`, scale, "a finite number", (x) => Number.isFinite(Math.fround(x)));
  checkBoolean(`${name}: strict`, strict);
  checkInteger(`${name}: window`, window, 0, maxInt32);
  operands.index("rope", rope, ropes.length);
  if (out === q) operands.fail("out", `is buffer ${out}`, "another buffer than q");
  operands.writeLike(out, q);
};

function checkIterate(
  operands: OperandCheck,
  { body, passes, tolerance, kvLayers }: Op<"iterate">,
  following: readonly Instruction[],
): void {
  const name = operands.instruction;
  checkInteger(`${name}: body`, body, 1, following.length);
  checkInteger(`${name}: passes`, passes, 1, maxInt32);
  checkAtLeast0(`${name}: tolerance`, tolerance);
  for (const [i, kvLayer] of kvLayers.entries()) {
    operands.index(`kvLayers[${i}]`, kvLayer, operands.program.kvLayers);
    const written = following
      .slice(0, body)
      .some((inner) => inner.op === "writeKv" && inner.kvLayer === kvLayer);
    if (!written) operands.fail(`kvLayers[${i}]`, `is ${kvLayer}`, "a KV layer that the body writes");
  }
}

function checkAtLeast0(name: string, value: number): void {
  checkNumber(name, value, "a finite number, at least 0", (x) => x >= 0 && Number.isFinite(Math.fround(x)));
}
