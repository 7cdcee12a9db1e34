import { Allowance } from '../net/allowance';
import { isMap } from '../options/is-map';
import type { ShadowOptions } from '../options/shadow';
import { type CompareAnswers, comparisonBy, type EndpointAnswer } from '../replay/compare';
import type { IncomingRequest } from '../request/incoming-request';
import { parseBody, parseUrl, type SentOperation } from '../request/parsed-request';
import type { Arrival } from '../request/pipeline';
import { TransportError, type TransportFailure } from '../subgraph-calls/contract/transport';
import type { Logger } from '../telemetry/logger';
import type { DropReason, ShadowCounts, ShadowRecord } from './record';
import { withoutOtherNames } from './other-names';
import { mostAtOnce, type ShadowSender, shadowHeader } from './send';

export interface ShadowParts {
  readonly options: ShadowOptions;
  readonly sender: ShadowSender;
  readonly record: ShadowRecord;
  /** Whether requests wait, or the event loop is late. Then nothing is sent, and nothing compared. */
  readonly isBusy: () => boolean;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** A query that was answered. */
interface AnsweredQuery {
  readonly operation: ComparedOperation;
  readonly headers: Readonly<Record<string, string>>;
  /** The URL of a GET, or the body of a POST. */
  readonly sent: string | Buffer;
  readonly answer: Buffer;
  /** Until the answer was known. */
  readonly milliseconds: number;
}

type ComparedOperation = NonNullable<IncomingRequest['operation']> & { readonly document: string };

/**
 * Sends a share of the queries to a second endpoint once their clients have the answers, and compares its answers with
 * these. What it holds is bounded: it drops what comes beyond, and what comes while the gateway is busy.
 */
export class Shadow {
  readonly #parts: ShadowParts;
  readonly #compare: CompareAnswers;
  readonly #allowance: Allowance;
  readonly #waiting: AnsweredQuery[] = [];
  /** Queries from their answer until they are compared or dropped, and their bytes. */
  #held = 0;
  #bytes = 0;
  #sending = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(parts: ShadowParts) {
    const { perSecond, ignore, unordered } = parts.options;
    this.#parts = parts;
    this.#compare = comparisonBy({ ignore, unordered, values: false });
    this.#allowance = new Allowance({ atOnce: perSecond, inSecond: perSecond });
  }

  get options(): ShadowOptions {
    return this.#parts.options;
  }

  get record(): ShadowRecord {
    return this.#parts.record;
  }

  counts(): ShadowCounts {
    return this.record.counts(this.options);
  }

  readonly begin = (arrival: Arrival): void => {
    if (Math.random() >= this.options.share) return;
    if (arrival.request.head.headers[shadowHeader] !== undefined) return;
    arrival.request.keepAnswer = (body) => this.#keep(arrival, body);
  };

  /** Drops what waits, and aborts what is sent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearImmediate(this.#scheduled);
    this.#dropWaiting('closed');
    await this.#parts.sender.close();
  }

  /** The answer is known, and its client is about to get it. */
  #keep({ request, body }: Arrival, answer: Buffer): void {
    const { operation, head } = request;
    if (!isQuery(operation)) return;
    const reason = this.#objectionTo(body, answer);
    if (reason !== undefined) {
      this.record.drop(reason);
      return;
    }
    const query: AnsweredQuery = {
      operation,
      headers: this.#forwarded(head.headers),
      sent: head.method === 'GET' ? head.url : body,
      // Copied, as the memory of an answer is used again.
      answer: Buffer.from(answer),
      milliseconds: performance.now() - request.start,
    };
    this.#held++;
    this.#bytes += bytesOf(query);
    request.onEnd(() => {
      if (request.isGone) this.#release(query);
      else this.#await(query);
    });
  }

  /** Why a query is dropped. */
  #objectionTo(body: Buffer, answer: Buffer): DropReason | undefined {
    if (answer.length > this.options.longest) return 'too-large';
    if (this.#parts.isBusy()) return 'load';
    if (this.#held >= mostHeld || this.#bytes + body.length + answer.length > mostBytes) return 'queue';
    return this.#allowance.take(performance.now()) ? undefined : 'budget';
  }

  #forwarded(headers: IncomingRequest['head']['headers']): AnsweredQuery['headers'] {
    return Object.fromEntries(
      this.options.headers.forward.flatMap((name) => {
        const value = headers[name];
        return value === undefined ? [] : [[name, String(value)]];
      }),
    );
  }

  /** The client has the answer. */
  #await(query: AnsweredQuery): void {
    this.#waiting.push(query);
    if (this.#isClosed) this.#dropWaiting('closed');
    else this.#schedule();
  }

  /** Not at once: whatever else this turn of the event loop has to do comes first. */
  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#parts.isBusy()) this.#dropWaiting('load');
      while (this.#sending < mostAtOnce && this.#waiting.length > 0) void this.#send(this.#waiting.shift()!);
    });
  }

  async #send(query: AnsweredQuery): Promise<void> {
    this.#sending++;
    const start = performance.now();
    try {
      const { operation, headers } = query;
      const answer = await this.#parts.sender.send({
        query: operation.document,
        operationName: operation.operationName,
        variables: variablesIn(query),
        headers,
      });
      this.#noteFailure(undefined);
      this.#conclude(query, answer, performance.now() - start);
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#sending--;
      this.#release(query);
      if (this.#waiting.length > 0) this.#schedule();
    }
  }

  #conclude({ operation, answer, milliseconds }: AnsweredQuery, other: EndpointAnswer, took: number): void {
    if (this.#parts.isBusy()) {
      this.record.drop('load');
      return;
    }
    const { id, name, document } = operation;
    const body = answer.toString();
    const isSame = other.status === 200 && other.body === body;
    const differences = isSame ? [] : this.#compare({ status: 200, body }, other);
    this.record.add({
      operation: { hash: id, name: name ?? undefined, ...operation.signature?.() },
      differences: withoutOtherNames(differences, document),
      a: { milliseconds },
      b: { milliseconds: took },
    });
  }

  #fail(error: Error): void {
    if (this.#isClosed) this.record.drop('closed');
    else if (error instanceof TransportError) {
      this.record.fail(error.failure);
      this.#noteFailure(error.failure);
    } else this.#parts.logger.error({ err: error }, 'an answer of the shadow could not be compared');
  }

  /** Logs when failures begin, and when they end. */
  #noteFailure(reason: TransportFailure | undefined): void {
    const isFailing = reason !== undefined;
    if (isFailing === this.#isFailing) return;
    this.#isFailing = isFailing;
    const { logger } = this.#parts;
    if (isFailing) logger.warn({ reason }, 'the shadow does not answer');
    else logger.info('the shadow answers again');
  }

  #dropWaiting(reason: DropReason): void {
    for (const query of this.#waiting.splice(0)) {
      this.record.drop(reason);
      this.#release(query);
    }
  }

  #release(query: AnsweredQuery): void {
    this.#held--;
    this.#bytes -= bytesOf(query);
  }
}

const isQuery = (operation: IncomingRequest['operation']): operation is ComparedOperation =>
  operation?.type === 'query' && operation.document !== undefined;

const bytesOf = ({ sent, answer }: AnsweredQuery): number => sent.length + answer.length;

/** Read once more from what the client sent: few queries need them. */
function variablesIn({ sent }: AnsweredQuery): Readonly<Record<string, unknown>> {
  const { variables } = ((typeof sent === 'string' ? parseUrl(sent) : parseBody(sent, true)) ??
    {}) as SentOperation;
  return isMap(variables) ? variables : {};
}

/** Queries that wait, are sent, or whose clients still read their answers. */
const mostHeld = 64;
/** Of these: 16 MiB. */
const mostBytes = 16 * 1024 * 1024;
