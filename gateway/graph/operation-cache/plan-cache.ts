import { LRUCache } from 'lru-cache';
import { type PlannedOperation } from '../../planning';
import { bytesOf, type OperationCache } from './operation-memory';

export interface PlanCacheOptions<Compiled> {
  /** Makes the cached value. Rejections reach the callers of `get`. `onGrowth` is for a value that grows. */
  readonly make: (
    operation: PlannedOperation,
    sender: string | undefined,
    onGrowth: () => void,
  ) => Promise<Compiled>;
  readonly cache: OperationCache<PlanEntry<Compiled>>;
  /** How many variants of one operation with refused parts are kept, besides the one without. @default 64 */
  readonly mostRefusals?: number | undefined;
  /** The heap bytes of a value, without the document. */
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
 * It belongs to one generation; another supergraph has another cache. Failures are not kept here: the planner keeps
 * those that would fail again.
 */
export class PlanCache<Compiled extends object> {
  readonly #options: PlanCacheOptions<Compiled>;
  readonly #entries: OperationCache<PlanEntry<Compiled>>;
  readonly #pending = new Map<string, Promise<Compiled>>();
  /** For each operation, the keys of its entries with refused parts, oldest first. */
  readonly #refusals = new LRUCache<string, string[]>({
    maxSize: mostRefusalKeys,
    sizeCalculation: (keys, whole) => keys.reduce((sum, { length }) => sum + length, whole.length),
  });

  constructor(options: PlanCacheOptions<Compiled>) {
    this.#options = options;
    this.#entries = options.cache;
  }

  /** The cached value of an operation, without a promise. Counts as use. */
  peek(operation: PlannedOperation): Compiled | undefined {
    const entry = this.#entries.get(keyOf(operation));
    if (entry === undefined) return undefined;
    entry.uses++;
    return entry.compiled;
  }

  /** The cached value, or plans and compiles the operation. Calls coalesce, on behalf of the first `sender`. */
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

  /** Whether the operation is being planned for somebody else. */
  isPending(operation: PlannedOperation): boolean {
    return this.#pending.has(keyOf(operation));
  }

  mostUsed(count: number): PlannedOperation[] {
    return [...this.#entries.values()]
      .sort((a, b) => b.uses - a.uses)
      .slice(0, count)
      .map(({ operation }) => operation);
  }

  /** Plans operations one after the other, to warm the cache. Leaves out those that are not valid any more. */
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

  /** Evicts the operation's oldest entry with refused parts beyond `mostRefusals`. */
  #bound(key: string, operation: PlannedOperation): void {
    const whole = keyOf({ ...operation, refused: undefined });
    const keys = (this.#refusals.get(whole) ?? []).filter((one) => one !== key && this.#entries.has(one));
    keys.push(key);
    if (keys.length > (this.#options.mostRefusals ?? 64)) this.#entries.delete(keys.shift()!);
    this.#refusals.set(whole, keys);
  }
}

/** Most characters of all these keys: a name in one may be as long as a request. */
const mostRefusalKeys = 1024 ** 2;

/** Unambiguous: neither hashes nor names hold a space, and labels hold no line breaks. */
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
