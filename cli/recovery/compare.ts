import { type Ledger, valueOf } from './ledger';
import type { RehearsalEvent, RehearsalStore } from './store-process';

export interface Comparison {
  /** How many items are not as they were acknowledged. */
  readonly differing: number;
  /** The first of them in the order of keys. */
  readonly first: { readonly key: string; readonly difference: string } | undefined;
  /** Acknowledged writes that are gone. */
  readonly lostWrites: number;
  /** Seconds from the first of them to the loss of the tables. */
  readonly lostSeconds: number;
}

interface StoredItem {
  readonly id: string;
  readonly revision: number;
  readonly value: string;
  readonly eventCount: number;
  readonly outbox?: readonly string[];
}

/**
 * Compares each item, its events in the log and its copy in the read model with what was acknowledged. `lostAt`: when the
 * tables were lost, as the times of the ledger. `hasCopies`: the read model has followed.
 */
export async function compareItems(
  store: RehearsalStore,
  ledger: Ledger,
  { lostAt, hasCopies }: { readonly lostAt: number; readonly hasCopies: boolean },
): Promise<Comparison> {
  const items = await readItems(store);
  const logged = new Map<
    string,
    { readonly sequence: number; readonly revision: number; readonly isWhole: boolean }
  >();
  for await (const page of store.dump(store.names.at(-1)!)) {
    for (const { event } of page as unknown as { event: RehearsalEvent }[]) {
      const before = logged.get(event.subject);
      const isWhole = (before?.isWhole ?? true) && event.sequence === (before?.sequence ?? 0) + 1;
      logged.set(event.subject, { sequence: event.sequence, revision: event.data.revision, isWhole });
    }
  }
  const copies = hasCopies ? await readCopies(store) : new Map<string, Copy>();

  function differenceOf(id: string, acknowledged: number, sent: number): string | undefined {
    const item = items.get(id);
    if (!item) return acknowledged > 0 ? `it is gone; revision ${acknowledged} was acknowledged` : undefined;
    const { revision, value, eventCount, outbox = [] } = item;
    if (revision < acknowledged) return `it has revision ${revision}; ${acknowledged} was acknowledged`;
    if (revision > sent) return `it has revision ${revision}; only ${sent} were written`;
    if (value !== valueOf({ id, revision })) return 'it has a value that nobody wrote';
    const log = logged.get(id) ?? { sequence: 0, revision: 0, isWhole: true };
    if (!log.isWhole || log.sequence !== eventCount - outbox.length)
      return `the log has not all of its ${eventCount} events`;
    if (outbox.length === 0 && log.revision !== revision)
      return `its last event in the log has revision ${log.revision}`;
    const copy = copies.get(id);
    if (hasCopies && (copy?.revision !== revision || copy.value !== value))
      return `the read model has revision ${copy?.revision ?? 'none'}; the item has ${revision}`;
    return undefined;
  }

  let differing = 0;
  let first: Comparison['first'];
  const known = new Set<string>();
  for (const { id, acknowledged, sent } of ledger.expected()) {
    known.add(id);
    const difference = differenceOf(id, acknowledged, sent);
    if (difference === undefined) continue;
    differing++;
    first ??= { key: id, difference };
  }
  const surplus = [...items.keys()].filter((id) => !known.has(id)).sort();
  if (surplus.length > 0) first ??= { key: surplus[0]!, difference: 'nobody wrote it' };

  const lost = ledger.acknowledgments.filter(({ id, revision }) => (items.get(id)?.revision ?? 0) < revision);
  return {
    differing: differing + surplus.length,
    first,
    lostWrites: lost.length,
    lostSeconds: lost.length === 0 ? 0 : Math.max(0, lostAt - lost[0]!.at) / 1000,
  };
}

/** How many items have events that are not in the log yet, or not in their copies. */
export async function countBehind(store: RehearsalStore): Promise<number> {
  const items = await readItems(store);
  const copies = await readCopies(store);
  const isBehind = ({ id, revision, outbox }: StoredItem): boolean =>
    outbox !== undefined || copies.get(id)?.revision !== revision;
  return [...items.values()].filter(isBehind).length;
}

type Copy = Pick<StoredItem, 'revision' | 'value'>;

async function readItems(store: RehearsalStore): Promise<ReadonlyMap<string, StoredItem>> {
  const items = new Map<string, StoredItem>();
  for await (const page of store.dump(store.names[1]!))
    for (const item of page as unknown as readonly StoredItem[]) items.set(item.id, item);
  return items;
}

async function readCopies(store: RehearsalStore): Promise<ReadonlyMap<string, Copy>> {
  const copies = new Map<string, Copy>();
  for await (const page of store.dump(store.names[2]!))
    for (const { key, state } of page as unknown as readonly { key: string; state: Copy }[])
      copies.set(key, state);
  return copies;
}
