import type { Context } from '../context';
import { startChild } from '../dev/child';
import { rehearsalScript } from '../own-package';

export type Item = Readonly<Record<string, unknown>>;

export interface ArchivedEvent {
  readonly position: string;
  readonly event: RehearsalEvent;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What the rehearsal reads of its events. */
export interface RehearsalEvent {
  readonly subject: string;
  readonly sequence: number;
  readonly data: { readonly revision: number };
}

/** The tables of the rehearsal, by the process that has the kit. Each call rejects with a sentence. */
export interface RehearsalStore {
  /** The names of its tables, in the order in which they are dumped: consumers, items, copies, and the log. */
  readonly names: readonly string[];
  /** The names of those that are there. */
  tables(): Promise<readonly string[]>;
  create(): Promise<void>;
  /** Resolves when they are gone. */
  delete(): Promise<void>;
  /** Pages of the items of a table; of the log, of events with their positions. */
  dump(table: string): AsyncIterable<readonly Item[]>;
  put(table: string, items: readonly Item[]): Promise<void>;
  /** Brings events back into the log, and those behind a position into their items, too. */
  restore(events: readonly ArchivedEvent[], after: string): Promise<void>;
  stop(): Promise<void>;
}

type StoreAnswer = {
  readonly type: string;
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
} & {
  readonly tables?: readonly string[];
};

/**
 * Rejects where the process cannot begin, with what it has lastLine. Once the signal is aborted, its calls reject, but for
 * `delete`.
 */
export async function startRehearsalStore(env: Context['env'], signal: AbortSignal): Promise<RehearsalStore> {
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (reason: Error) => void }>();
  let calls = 0;
  let names: readonly string[] = [];
  let lastLine = '';
  const child = startChild({
    script: rehearsalScript('rehearsal-store'),
    args: [],
    env,
    onLine: (line) => (lastLine = line),
    onMessage(message) {
      const { id, result, error, tables } = message as StoreAnswer;
      if (tables) names = tables;
      const call = waiting.get(id ?? 0);
      waiting.delete(id ?? 0);
      if (error === undefined) call?.resolve(result as never);
      else call?.reject(new Error(error));
    },
  });
  let hasEnded = false;
  const failure = () => new Error(`The process of the tables has ended. ${lastLine}`);
  const ended = child.exit.then(() => {
    hasEnded = true;
    for (const { reject } of waiting.values()) reject(failure());
  });
  if ((await child.ready) === undefined) throw new Error(lastLine);

  const call = <Result>(action: string, request: object = {}): Promise<Result> =>
    new Promise((resolve, reject) => {
      if (action !== 'delete') signal.throwIfAborted();
      if (hasEnded) throw failure();
      const id = ++calls;
      waiting.set(id, { resolve, reject });
      child.send({ id, action, request });
    });
  return {
    names,
    tables: () => call('tables'),
    create: () => call('create'),
    delete: () => call('delete'),
    async *dump(table) {
      for (let after: unknown; ;) {
        const page = await call<{ items: readonly Item[]; next?: unknown }>('dump', { table, after });
        yield page.items;
        if (page.next === undefined) return;
        after = page.next;
      }
    },
    put: (table, items) => call('put', { table, items }),
    restore: (events, after) => call('restore', { events, after }),
    async stop() {
      await child.stop();
      await ended;
    },
  };
}
