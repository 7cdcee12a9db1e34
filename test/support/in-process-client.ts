import { performance } from 'node:perf_hooks';
import type { IncomingRequest, RequestHead } from '../../gateway/request/incoming-request';
import type { RequestsInFlight } from '../../gateway/request/requests-in-flight';
import type { ClientAnswer, ResponsePart, Sink } from '../../gateway/request/sink';
import type { Source } from '../../gateway/subgraph-calls/contract/source';
import { pulled } from './pulled';

/** What the sender of one request sees of its answer. */
export interface Client {
  /** Resolves when the answer has begun. */
  readonly head: Promise<{ readonly status: number; readonly headers: Headers }>;
  /** A body that is whole. */
  text(): Promise<string>;
  /** The next part; undefined at the end. Rejects when the answer is cut off. */
  part(): Promise<string | undefined>;
  /** Waits for nothing any more. */
  leave(): void;
}

export interface InProcessOptions extends Partial<RequestHead> {
  /** @default true */
  readonly takesParts?: boolean;
}

/** Sends a request with no socket between: its sink is its client. */
export class InProcessClient implements Client, Sink {
  readonly head: Client['head'];
  readonly request: IncomingRequest;
  readonly carriesParts = true;
  readonly events: Sink['events'];
  readonly takesGaps = true;
  readonly incremental: Sink['incremental'];
  readonly refusesInEvents = false;
  isAnswered = false;
  readonly upload = undefined;
  readonly download = undefined;
  readonly messages = undefined;
  readonly #requests: RequestsInFlight;
  #begin!: (head: Awaited<Client['head']>) => void;
  #status = 0;
  #text = '';
  #parts: Pick<Source<ResponsePart>, 'next'> | undefined;

  constructor(
    requests: RequestsInFlight,
    { method = 'POST', url = '/graphql', headers = {}, takesParts = true }: InProcessOptions = {},
  ) {
    this.events = takesParts ? 'sse' : undefined;
    this.incremental = takesParts ? 'v0.2' : undefined;
    this.head = new Promise((resolve) => (this.#begin = resolve));
    this.#requests = requests;
    this.request = requests.begin({ method, url, headers }, '127.0.0.1', this, performance.now());
  }

  answer({ status, headers, body, release }: ClientAnswer): void {
    this.isAnswered = true;
    this.#status = status;
    if (typeof body === 'object' && !Buffer.isBuffer(body)) this.#parts = pulled(body);
    else {
      this.#text = body?.toString() ?? '';
      release?.();
      this.#requests.end(this.request, status);
    }
    const named = Array.from({ length: headers.length / 2 }, (_, i): [string, string] => [
      headers[2 * i]!,
      headers[2 * i + 1]!,
    ]);
    this.#begin({ status, headers: new Headers(named) });
  }

  async text(): Promise<string> {
    await this.head;
    return this.#text;
  }

  async part(): Promise<string | undefined> {
    return (await this.rawPart())?.body.toString();
  }

  async rawPart(): Promise<ResponsePart | undefined> {
    await this.head;
    try {
      const part = await this.#parts!.next();
      if (part === undefined) this.#requests.end(this.request, this.#status);
      return part;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  leave(): void {
    this.#requests.end(this.request, undefined);
  }
}
