import type { ASTNode } from 'graphql';
import type { ResponsePosition } from './compile/merge';
import type { CompiledOperation } from './compile/subgraph-operation';
import type { Shape } from './compile/shape';

/**
 * How much of the heap a program takes, in bytes: estimated by what it is made of, as nobody can ask V8. The figures are
 * fitted to what programs of several forms take; a test compares them with the heap.
 */
export class ProgramSize {
  bytes: number;
  readonly onGrowth: () => void;

  /** @param onGrowth called when a program that is in use takes more: what depends on variables and types is compiled then */
  constructor(bytes: number, onGrowth: () => void) {
    this.bytes = bytes;
    this.onGrowth = onGrowth;
  }
}

/** The size of what a program has compiled since it is in use, and may forget again. */
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

/** Of a program that has no variant yet. */
export function sizeOfProgram(
  document: object,
  root: ResponsePosition,
  operations: Iterable<CompiledOperation>,
): number {
  let size = 6000 + 95 * countNodes(document) + 1360 * countFields(root);
  for (const { shape, request } of operations)
    size += 4360 * countShapes(shape) + 3.5 * request.document.length;
  return size;
}

export const sizeOfVariant = (fetches: number): number => 1500 + 400 * fetches;

/** Of the fields of one type. */
export const sizeOfFields = (fields: number): number => 650 + 330 * fields;

/** Of several operations in one. Below its top-level fields it shares the shapes of those. */
export const sizeOfCombination = ({ length }: string, fields: number): number =>
  4360 + 3.5 * length + 400 * fields;

/** The number of nodes of a syntax tree. */
export function countNodes(node: object): number {
  let count = 'kind' in (node as ASTNode) ? 1 : 0;
  for (const [key, value] of Object.entries(node) as [string, unknown][])
    if (typeof value === 'object' && value !== null && key !== 'loc') count += countNodes(value);
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
