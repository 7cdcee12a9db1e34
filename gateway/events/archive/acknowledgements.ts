import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { Signer } from '../../subgraph-calls/contract/signer';

/** The response header with which a subgraph asks the archive of its events to acknowledge them. */
export const acknowledgeHeader = 'weir-acknowledge';

export interface AcknowledgementsOptions {
  /** The GraphQL endpoint of the subgraph; `POST /events/archived` is beside it. */
  readonly url: string;
  /** @default the request is not signed */
  readonly signer?: Pick<Signer, 'sign'> | undefined;
  readonly signal: AbortSignal;
  /** Called when a report to the subgraph failed. It is tried again. */
  readonly onFailure: (reason: unknown) => void;
  /** Milliseconds before the second attempt; each further one waits twice as long, up to 5 s. */
  readonly pause: number;
}

/** Reports to a subgraph how far the archive of its events is, as its answers wait for that: one request at a time. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  #isRequested = false;
  /** The position up to which all events are archived. */
  #archived: string;
  #reported = '';
  /** How many connections there have been. */
  #connections = 0;
  #isTelling = false;

  constructor(archived: string, options: AcknowledgementsOptions) {
    this.#archived = archived;
    this.#options = options;
  }

  /** At each connection to the subgraph, which may have lost earlier reports. */
  connected(isRequested: boolean): void {
    this.#isRequested = isRequested;
    this.#reported = '';
    this.#connections++;
    void this.#report();
  }

  archived(position: string): void {
    this.#archived = position;
    void this.#report();
  }

  async #report(): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    const { signal, pause, onFailure } = this.#options;
    const isOver = (): boolean => signal.aborted;
    for (let failures = 0; this.#isRequested && this.#archived !== this.#reported && !isOver();) {
      const position = this.#archived;
      const connection = this.#connections;
      try {
        await this.#post(position);
        if (connection === this.#connections) this.#reported = position;
        failures = 0;
      } catch (reason) {
        if (isOver()) break;
        onFailure(reason);
        const milliseconds = Math.min(5000, pause * 2 ** failures++);
        await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
      }
    }
    this.#isTelling = false;
  }

  async #post(position: string): Promise<void> {
    const { url, signer, signal } = this.#options;
    const address = new URL('/events/archived', url);
    const content = Buffer.from(JSON.stringify({ position }));
    const caller = { headers: {}, signedIdentity: undefined };
    const signed = (await signer?.sign({ method: 'POST', url: address, body: content, caller })) ?? [];
    const { statusCode, body } = await request(address, {
      ...{ method: 'POST', body: content, headers: ['content-type', 'application/json', ...signed] },
      ...{ headersTimeout: timeout, bodyTimeout: timeout, signal },
    });
    await body.dump();
    if (statusCode !== 200) throw new Error(`POST ${address.pathname} was answered with ${statusCode}`);
  }
}

/** Milliseconds that an answer may take. */
const timeout = 10_000;
