/** What goes to the sender of a request. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, with the length of the body. */
  readonly headers: readonly string[];
  readonly body: Buffer | string | undefined;
  /** Called when all of the body has been taken. */
  readonly release?: (() => void) | undefined;
}

/**
 * Where the answer to one request goes. `http/http-sink.ts` is the one of HTTP; another kind of connection brings another.
 */
export interface Sink {
  /** Whether an answer has begun. */
  readonly isAnswered: boolean;
  /** Sends the whole answer. Called once at most. */
  answer(answer: Answer): void;
  /** The body of the request while it arrives; undefined where requests come whole. */
  readonly upload?: Upload | undefined;
}

/** The body of a request on its way. */
export interface Upload {
  readonly hasArrived: boolean;
  /** Bytes of it that are kept, at most. @param limit bytes that a body may have */
  kept(limit: number): number;
  /** Answers that it did not arrive in time, and waits for no more of it. */
  giveUp(): void;
}
