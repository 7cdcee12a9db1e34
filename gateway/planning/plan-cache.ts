import { LRUCache } from 'lru-cache';
import type { QueryPlan } from './planner';

/** What a plan is kept by, with what it takes to make it again. */
export interface PlannedOperation {
  /** GraphQL text, valid against the API schema. */
  readonly document: string;
  /** A hash of `document` that nobody can make collide, for instance SHA-256. */
  readonly documentHash: string;
  readonly operationName: string | undefined;
  /** The progressive overrides that are on, sorted. */
  readonly overrideLabels?: readonly string[] | undefined;
  /** What of it is refused to some callers: then it is planned without that. Sorted. @default nothing */
  readonly refused?: readonly string[] | undefined;
}

export interface PlanCacheOptions<Compiled> {
  /** Plans an operation and builds what is kept, for instance a program. What it rejects with reaches the callers of `get`. */
  readonly make: (operation: PlannedOperation, sender: string | undefined) => Promise<Made<Compiled>>;
  /**
   * How much may be kept, in bytes.
   *
   * @default 67108864 (64 MiB)
   */
  readonly maxSize?: number | undefined;
  /**
   * How many ways of refusing parts of one operation are kept, besides that of refusing nothing.
   *
   * @default 64
   */
  readonly mostRefusals?: number | undefined;
  /**
   * How many bytes one entry takes, at least 1.
   *
   * @default an estimate by the sizes of the document and of the operations in its plan
   */
  readonly sizeOf?:
    ((compiled: Compiled, plan: QueryPlan | undefined, operation: PlannedOperation) => number) | undefined;
}

export interface Made<Compiled> {
  readonly compiled: Compiled;
  /** Absent where none was needed. */
  readonly plan?: QueryPlan | undefined;
}

/**
 * What was compiled from the plans of one supergraph.
 *
 * It belongs to one generation; another supergraph has another cache. Failures are not kept here: the planner knows
 * which of them are worth keeping.
 */
export class PlanCache<Compiled extends object> {
  readonly #options: PlanCacheOptions<Compiled>;
  readonly #entries: LRUCache<string, Entry<Compiled>>;
  readonly #pending = new Map<string, Promise<Compiled>>();
  /** The keys of an operation's entries in which something is refused, the oldest first. */
  readonly #refusals = new LRUCache<string, string[]>({ max: 10_000 });

  constructor(options: PlanCacheOptions<Compiled>) {
    const { maxSize = 64 * 1024 * 1024 } = options;
    if (!(maxSize > 0))
      throw new RangeError(`"maxSize" must be a positive number of bytes, but got: ${maxSize}`);
    this.#options = options;
    this.#entries = new LRUCache({ maxSize });
  }

  /** What is kept for an operation; the usual case, and no promise. */
  peek(operation: PlannedOperation): Compiled | undefined {
    const entry = this.#entries.get(keyOf(operation));
    if (entry === undefined) return undefined;
    entry.uses++;
    return entry.compiled;
  }

  /**
   * Plans and compiles an operation unless that has been done; calls for the same one at the same time do it once, as
   * something that the first `sender` has asked for.
   */
  get(operation: PlannedOperation, sender?: string): Promise<Compiled> {
    const kept = this.peek(operation);
    if (kept !== undefined) return Promise.resolve(kept);
    const key = keyOf(operation);
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#make(key, operation, sender).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return pending;
  }

  /** The operations that were asked for most often, the most used one first. */
  mostUsed(count: number): PlannedOperation[] {
    return [...this.#entries.values()]
      .sort((a, b) => b.uses - a.uses)
      .slice(0, count)
      .map(({ operation }) => operation);
  }

  /**
   * Plans operations one after the other, so that a cache is warm before it is used. Those that cannot be planned
   * against this supergraph, or are no longer valid, are left out.
   */
  async warm(operations: Iterable<PlannedOperation>): Promise<void> {
    for (const operation of operations) await this.get(operation).catch(() => undefined);
  }

  async #make(key: string, operation: PlannedOperation, sender: string | undefined): Promise<Compiled> {
    const { make, sizeOf = estimateSize } = this.#options;
    const { compiled, plan } = await make(operation, sender);
    const size = Math.max(1, Math.ceil(sizeOf(compiled, plan, operation)));
    this.#entries.set(key, { operation, compiled, uses: 1 }, { size });
    if (operation.refused !== undefined && operation.refused.length > 0) this.#bound(key, operation);
    return compiled;
  }

  /** Callers can differ in more ways than there is room for: the oldest way goes. */
  #bound(key: string, operation: PlannedOperation): void {
    const whole = keyOf({ ...operation, refused: undefined });
    const keys = (this.#refusals.get(whole) ?? []).filter((one) => one !== key && this.#entries.has(one));
    keys.push(key);
    if (keys.length > (this.#options.mostRefusals ?? 64)) this.#entries.delete(keys.shift()!);
    this.#refusals.set(whole, keys);
  }
}

interface Entry<Compiled> {
  readonly operation: PlannedOperation;
  readonly compiled: Compiled;
  uses: number;
}

/** A hash ends where a name begins, and neither holds a space; labels do not hold line breaks. */
function keyOf({
  documentHash,
  operationName = '',
  overrideLabels = [],
  refused = [],
}: PlannedOperation): string {
  const key =
    overrideLabels.length === 0
      ? `${documentHash} ${operationName}`
      : `${documentHash} ${operationName} ${overrideLabels.join(' ')}`;
  return refused.length === 0 ? key : `${key}\n${refused.join('\n')}`;
}

/** A program is made of objects, some for each few characters of GraphQL: roughly ten bytes for one. */
function estimateSize(
  _compiled: unknown,
  plan: QueryPlan | undefined,
  { document }: PlannedOperation,
): number {
  return 2048 + 10 * (document.length + operationsLength(plan?.node));
}

function operationsLength(node: object | undefined): number {
  if (node === undefined) return 0;
  let length = 0;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'operation') length += (value as string).length;
    else if (typeof value === 'object' && value !== null) length += operationsLength(value as object);
  }
  return length;
}
