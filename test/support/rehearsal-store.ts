import type { ArchivedEvent, Item, RehearsalStore } from '../../cli/recovery/store-process';

export interface FakeRehearsalStore extends RehearsalStore {
  /** The items of each table, and in the log its events. */
  readonly content: Record<'consumers' | 'items' | 'copies' | 'log', Item[]>;
  /** Positions behind which events were applied to items. */
  readonly appliedBehind: string[];
}

/** The tables of a rehearsal in memory, dumped two items at a time. */
export function fakeRehearsalStore(content: Partial<FakeRehearsalStore['content']> = {}): FakeRehearsalStore {
  const tables: Record<string, Item[]> = { consumers: [], items: [], copies: [], log: [], ...content };
  const appliedBehind: string[] = [];
  return {
    content: tables,
    appliedBehind,
    names: Object.keys(tables),
    tables: () => Promise.resolve(Object.keys(tables)),
    create: () => Promise.resolve(),
    delete: () => Promise.resolve(),
    async *dump(table) {
      for (let i = 0; i < tables[table]!.length; i += 2)
        yield await Promise.resolve(tables[table]!.slice(i, i + 2));
    },
    put: (table, items) => Promise.resolve(void tables[table]!.push(...items)),
    restore(events, after) {
      tables['log']!.push(...(events as readonly (ArchivedEvent & Item)[]));
      appliedBehind.push(after);
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
}
