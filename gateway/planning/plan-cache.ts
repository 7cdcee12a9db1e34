import { LRUCache } from 'lru-cache';
import { bytesOf, type OperationCache } from './operation-memory';

/** The key of a plan, with all that is needed to make it again. */
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
  /**
   * Plans an operation and builds what is kept, for instance a program. What it rejects with reaches the callers of
   * `get`. `onGrowth` is to be called when what was built takes more memory than it did.
   */
  readonly make: (
    operation: PlannedOperation,
    sender: string | undefined,
    onGrowth: () => void,
  ) => Promise<Compiled>;
  /** Where it is kept. */
  readonly cache: OperationCache<PlanEntry<Compiled>>;
  /**
   * How many ways of refusing parts of one operation are kept, besides that of refusing nothing.
   *
   * @default 64
   */
  readonly mostRefusals?: number | undefined;
  /** How many bytes of the heap it takes, without the document. */
  readonly sizeOf: (compiled: Compiled) => number;
}

export interface PlanEntry<Compiled> {
  readonly operation: PlannedOperation;
  readonly compiled: Compiled;
  uses: number;
}

/**
 * The programs compiled from the plans of one supergraph.
 *
 * It belongs to one generation; another supergraph has another cache. Failures are not kept here: the planner knows
 * which of them are worth keeping.
 */
export class PlanCache<Compiled extends object> {
  readonly #options: PlanCacheOptions<Compiled>;
  readonly #entries: OperationCache<PlanEntry<Compiled>>;
  readonly #pending = new Map<string, Promise<Compiled>>();
  /** The keys of an operation's entries in which something is refused, the oldest first. */
  readonly #refusals = new LRUCache<string, string[]>({
    maxSize: mostRefusalKeys,
    sizeCalculation: (keys, whole) => keys.reduce((sum, { length }) => sum + length, whole.length),
  });

  constructor(options: PlanCacheOptions<Compiled>) {
    this.#options = options;
    this.#entries = options.cache;
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
    const { make, sizeOf } = this.#options;
    const keep = (entry: PlanEntry<Compiled>): void =>
      this.#entries.set(key, entry, sizeOf(entry.compiled) + bytesOf(operation.document));
    const compiled = await make(operation, sender, () => {
      const kept = this.#entries.peek(key);
      if (kept !== undefined && kept.compiled === compiled) keep(kept);
    });
    keep({ operation, compiled, uses: 1 });
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

/** Characters: a name in them may be as long as a request. */
const mostRefusalKeys = 1024 ** 2;

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
