import type { Answered } from '../../cache/responses/response-cache';
import { requestError } from '../../errors';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Source } from '../../subgraph-calls/source';

export interface ReaderOptions {
  /** Bytes of answers that may wait. One answer may wait, however large it is. */
  readonly unread: number;
  /** What happens beyond: only the `latest` answer is kept, with a gap before it, or the subscription ends (`close`). */
  readonly slow: 'latest' | 'close';
  /** Called when it ends, however that is. */
  readonly onEnd: () => void;
  /** Called with the number of answers that its client does not get. */
  readonly onDropped: (count: number) => void;
}

/** Who waits for the next answer. */
interface Waiting {
  readonly resolve: (answered: Answered | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** A client's subscription: the answers that wait until the client has room for them. */
export class Reader implements Source<Answered> {
  readonly request: IncomingRequest;
  readonly #options: ReaderOptions;
  #answers: Answered[] = [];
  #bytes = 0;
  /** Whether something may be missing before the next answer. */
  #hasGap = false;
  #isEnded = false;
  #error: Error | undefined;
  #waiting: Waiting | undefined;

  constructor(request: IncomingRequest, options: ReaderOptions) {
    this.request = request;
    this.#options = options;
  }

  /** Tells its client, with the next answer, that events may be missing or may come twice. */
  gap(): void {
    this.#hasGap = true;
  }

  push(answered: Answered): void {
    if (this.#isEnded) return;
    const { length } = answered.body;
    if (
      this.#waiting === undefined &&
      this.#answers.length > 0 &&
      this.#bytes + length > this.#options.unread
    ) {
      const dropped = this.#answers.length;
      this.#answers = [];
      this.#bytes = 0;
      this.#options.onDropped(dropped);
      if (this.#options.slow === 'close') {
        this.end(requestError('MAX_UNREAD_LIMIT', { limit: this.#options.unread }));
        return;
      }
      this.#hasGap = true;
    }
    const told = this.#hasGap ? { ...answered, isAfterGap: true } : answered;
    this.#hasGap = false;
    if (this.#waiting === undefined) {
      this.#answers.push(told);
      this.#bytes += length;
    } else {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve(told);
    }
  }

  /** No answers come any more. Those that wait are still given. @param error why, where its source did not end */
  end(error?: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    if (this.#waiting !== undefined && this.#answers.length === 0) this.#tellEnd(this.#waiting);
    this.#options.onEnd();
  }

  next(): Promise<Answered | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      const answered = this.#answers.shift();
      if (answered !== undefined) {
        this.#bytes -= answered.body.length;
        resolve(answered);
      } else if (this.#isEnded) this.#tellEnd(waiting);
      else this.#waiting = waiting;
    });
  }

  close(): void {
    this.#answers = [];
    this.#error = undefined;
    this.end();
  }

  #tellEnd({ resolve, reject }: Waiting): void {
    const error = this.#error;
    this.#waiting = undefined;
    this.#error = undefined;
    if (error === undefined) resolve(undefined);
    else reject(error);
  }
}
