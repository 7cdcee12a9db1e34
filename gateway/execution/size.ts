import type { ResponsePosition } from './compile/response-position';
import type { FetchOperation } from './compile/subgraph-operation';
import type { Shape } from './compile/shape';

/**
 * The heap that a program takes, in bytes: an estimate from its parts, as V8 does not report it. The figures are fitted to
 * programs of several forms; a test compares them with the heap.
 */
export class ProgramSize {
  bytes: number;
  readonly onGrowth: () => void;

  /** @param onGrowth called when a program in use grows: parts that depend on variables and types are compiled late */
  constructor(bytes: number, onGrowth: () => void) {
    this.bytes = bytes;
    this.onGrowth = onGrowth;
  }
}

/** The size of parts that a program in use has compiled, and may drop again. */
export class GrowingSize {
  readonly #whole: ProgramSize;
  #bytes = 0;

  constructor(whole: ProgramSize) {
    this.#whole = whole;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#whole.bytes += bytes;
    this.#whole.onGrowth();
  }

  clear(): void {
    this.#whole.bytes -= this.#bytes;
    this.#bytes = 0;
  }
}

/** The bytes of a program without variants. */
export function sizeOfProgram(
  document: object,
  root: ResponsePosition,
  operations: Iterable<FetchOperation>,
): number {
  let size = 6000 + 95 * countNodes(document) + 1360 * countFields(root);
  for (const { shape, request } of operations)
    size += 4360 * countShapes(shape) + 3.5 * request.document.length;
  return size;
}

export const sizeOfVariant = (fetches: number): number => 1500 + 400 * fetches;

/** The bytes of what is known of the deferred fragments of a variant. */
export const sizeOfDeferral = (fields: number, usages: number): number => 1000 + 250 * fields + 600 * usages;

/** The bytes of the compiled fields of one type. */
export const sizeOfFields = (fields: number): number => 650 + 330 * fields;

/** The bytes of a combination. Below its top-level fields it shares the shapes of its operations. */
export const sizeOfCombination = ({ length }: string, fields: number): number =>
  4360 + 3.5 * length + 400 * fields;

export function countNodes(node: object): number {
  if (Array.isArray(node)) return node.reduce<number>((count, one: object) => count + countNodes(one), 0);
  let count = 'kind' in node ? 1 : 0;
  for (const key of Object.keys(node)) {
    const value: unknown = node[key as keyof typeof node];
    if (typeof value === 'object' && value !== null && key !== 'loc') count += countNodes(value);
  }
  return count;
}

function countFields({ fields }: ResponsePosition): number {
  let count = fields.size;
  for (const { child } of fields.values()) if (child !== undefined) count += countFields(child);
  return count;
}

function countShapes({ children }: Shape): number {
  return children.reduce((count, child) => (child === null ? count : count + countShapes(child)), 1);
}
