import type { OperationResult } from '../../cache/responses/response-cache';
import { requestError } from '../../errors';
import type { IncomingRequest } from '../../request/incoming-request';
import type { PreparedSubscription } from './prepared';
import type { Flow, Take } from '../../subgraph-calls/contract/source';

export interface ReaderOptions {
  /** Bytes of answers that may wait. One answer may wait, however large it is. */
  readonly unread: number;
  /** Of all readers of the process together. */
  readonly all: UnreadBytes;
  /** What happens beyond: only the `latest` answer is kept, with a gap before it, or the subscription ends (`close`). */
  readonly slow: 'latest' | 'close';
  /** Whether its client reads an answer without data, which reports a gap at once. */
  readonly takesGaps: boolean;
  /** Called when it ends, however that is. */
  readonly onEnd: () => void;
  /** Called with the number of answers that its client does not get. */
  readonly onDropped: (count: number) => void;
}

/** Bytes of answers that wait for readers. What several readers wait for counts for each. */
export interface UnreadBytes {
  bytes: number;
  /** Beyond it, each reader does as beyond its own `unread`. */
  limit: number;
}

/** What gives a reader its answers. */
export interface ReadExecution {
  readonly prepared: PreparedSubscription;
  /** When it answered an event last, in milliseconds of `performance.now()`. */
  readonly answeredAt: number;
  leave(reader: SubscriptionReader): void;
}

/** Who takes the answers. */
interface Taker {
  readonly take: Take<OperationResult>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A client's subscription: the answers that wait until the client has room for them. */
export class SubscriptionReader implements Flow<OperationResult> {
  readonly request: IncomingRequest;
  /** Set by the one that it joins; undefined before. */
  execution: ReadExecution | undefined;
  readonly #options: ReaderOptions;
  #answers: OperationResult[] = [];
  #bytes = 0;
  /** Whether something may be missing before the next answer. */
  #hasGap = false;
  #isEnded = false;
  #error: Error | undefined;
  /** Undefined before `forEach`, and after its end. */
  #taker: Taker | undefined;
  /** Whether the taker has room for another answer. */
  #hasRoom = false;

  constructor(request: IncomingRequest, options: ReaderOptions) {
    this.request = request;
    this.#options = options;
  }

  /** Reports that events may be missing or come twice: at once, or with the next answer if it takes none without data. */
  gap(): void {
    if (!this.#options.takesGaps) this.#hasGap = true;
    else if (!this.#isEnded && this.#answers.at(-1) !== gapAnswer) this.#add(gapAnswer);
  }

  push(answered: OperationResult): void {
    if (this.#isEnded) return;
    const { length } = answered.body;
    if (this.#answers.length > 0 && this.#isTooMuch(length)) {
      const dropped = this.#answers.length;
      this.#drop();
      this.#options.onDropped(dropped);
      if (this.#options.slow === 'close') {
        this.end(requestError('MAX_UNREAD_LIMIT', { limit: this.#options.unread }));
        return;
      }
      this.#hasGap = true;
    }
    const next = this.#hasGap ? { ...answered, isAfterGap: true } : answered;
    this.#hasGap = false;
    this.#add(next);
  }

  /** No answers come any more. Those that wait are still given. @param error why, where its source did not end */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    if (this.#isIdle) this.#settle();
    this.#options.onEnd();
  }

  forEach(take: Take<OperationResult>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#taker = { take, resolve, reject };
      this.#giveWaiting();
    });
  }

  close(): void {
    this.#drop();
    this.#error = undefined;
    this.end();
  }

  get #isIdle(): boolean {
    return this.#hasRoom && this.#answers.length === 0;
  }

  #isTooMuch(length: number): boolean {
    const { unread, all } = this.#options;
    return this.#bytes + length > unread || all.bytes + length > all.limit;
  }

  #drop(): void {
    this.#answers = [];
    this.#count(-this.#bytes);
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#options.all.bytes += bytes;
  }

  #add(answered: OperationResult): void {
    if (this.#isIdle) this.#give(answered);
    else {
      this.#answers.push(answered);
      this.#count(answered.body.length);
    }
  }

  #give(answered: OperationResult): void {
    try {
      const room = this.#taker!.take(answered);
      if (room === undefined) return;
      this.#hasRoom = false;
      room.then(
        () => this.#giveWaiting(),
        (error: unknown) => this.#fail(error as Error),
      );
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #giveWaiting(): void {
    this.#hasRoom = true;
    for (let next = this.#nextToGive(); next !== undefined; next = this.#nextToGive()) this.#give(next);
    if (this.#isIdle && this.#isEnded) this.#settle();
  }

  #nextToGive(): OperationResult | undefined {
    const next = this.#hasRoom ? this.#answers.shift() : undefined;
    if (next !== undefined) this.#count(-next.body.length);
    return next;
  }

  /** It ends, as its taker has failed. */
  #fail(error: Error): void {
    this.#hasRoom = false;
    this.close();
    this.#error = error;
    this.#settle();
  }

  #settle(): void {
    const [taker, error] = [this.#taker, this.#error];
    this.#taker = undefined;
    this.#error = undefined;
    if (error === undefined) taker?.resolve();
    else taker?.reject(error);
  }
}

/** One object for all readers, so that it is written once. */
const gapAnswer: OperationResult = {
  body: Buffer.from('{"data":null}'),
  data: Buffer.from('null'),
  errors: [],
  errorsLeftOut: 0,
  isAfterGap: true,
};
