import { type Shape } from '../compile/shape';
import { KIND, LIST, OBJECT, SOURCE_START, TYPE } from './tape';

/**
 * Adds what a pair holds to the pair that stands at `at`: two keys of a subgraph's answer have one name in the response.
 * Returns whether both are objects, or lists of as many: else the second one counts.
 *
 * @param shape that of the objects in both
 */
export function mergePairs(tape: Int32Array, at: number, a: number, b: number, shape: Shape): boolean {
  const kind = tape[at + 1]! & KIND;
  if ((b & KIND) !== kind) return false;
  const known = tape[at]!;
  if (kind === LIST) {
    const count = tape[known]!;
    if (tape[a] !== count) return false;
    for (let i = 1; i <= count * 2; i += 2) mergeInto(tape, known + i, a + i, shape);
    return true;
  }
  if (kind !== OBJECT) return false;
  // Its bytes are not all that it holds.
  tape[known + SOURCE_START] = 0;
  if (tape[known + TYPE] === 0) tape[known + TYPE] = tape[a + TYPE]!;
  for (const { slot, child } of shape.fields.values())
    if (tape[a + slot + 1] !== 0) mergeInto(tape, known + slot, a + slot, child);
  return true;
}

function mergeInto(tape: Int32Array, at: number, from: number, shape: Shape | null): void {
  const [a, b] = [tape[from]!, tape[from + 1]!];
  if (shape !== null && mergePairs(tape, at, a, b, shape)) return;
  tape[at] = a;
  tape[at + 1] = b;
}
