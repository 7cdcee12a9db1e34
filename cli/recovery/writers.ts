import { setTimeout as sleep } from 'node:timers/promises';
import { timeLimit } from '../../gateway/net/time-limit';
import { type Ledger, valueOf, type Write } from './ledger';

export interface WritersOptions {
  /** The GraphQL endpoint of the subgraph. */
  readonly url: string;
  readonly ledger: Ledger;
  readonly writers: number;
  /** Called when writes have failed for so long that no more are tried. */
  readonly onBroken: (reason: Error) => void;
}

/** Clients that write one item after the other through the subgraph, until they are stopped. */
export class Writers {
  /** Milliseconds from each request to its answer. */
  readonly answered: number[] = [];
  readonly #options: WritersOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>;
  #failures = 0;

  constructor(options: WritersOptions) {
    this.#options = options;
    this.#running = Promise.all(Array.from({ length: options.writers }, () => this.#writeOn()));
  }

  /** Gives up the writes in flight. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #writeOn(): Promise<void> {
    const { ledger, onBroken } = this.#options;
    const { signal } = this.#stopping;
    const isOver = () => signal.aborted;
    while (!isOver()) {
      const write = ledger.begin();
      try {
        await this.#write(write, signal);
        ledger.end(write, performance.now());
        this.#failures = 0;
      } catch (error) {
        ledger.end(write, undefined);
        if (isOver()) return;
        if (++this.#failures > mostFailures) onBroken(error as Error);
        await sleep(failurePause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #write(write: Write, signal: AbortSignal): Promise<void> {
    const sentAt = performance.now();
    await sendWrite(this.#options.url, write, signal);
    this.answered.push(performance.now() - sentAt);
  }
}

/** Rejects if it is not answered with the item. */
export async function sendWrite(url: string, write: Write, signal: AbortSignal): Promise<void> {
  const { id, revision } = write;
  const query =
    'mutation ($id: ID!, $revision: Int!, $value: String!) { write(id: $id, revision: $revision, value: $value) { revision } }';
  const data = await postQuery<{ write: { revision: number } }>(
    url,
    { query, variables: { id, revision, value: valueOf(write) } },
    signal,
  );
  if (data.write.revision !== revision) throw new Error(`The write of ${id} was answered with another one.`);
}

/** The data of an answer of the subgraph. Rejects if it has errors. */
export async function postQuery<Data>(url: string, operation: object, signal: AbortSignal): Promise<Data> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(operation),
    signal: AbortSignal.any([signal, timeLimit(answerTimeout)]),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: [{ message: string }] };
  if (errors !== undefined || data == null)
    throw new Error(errors?.[0].message ?? `It answered ${response.status}.`);
  return data;
}

/** In a row, of all writers. */
const mostFailures = 100;
const failurePause = 100;
const answerTimeout = 30_000;
