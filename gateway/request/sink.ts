import type { Source } from '../subgraph-calls/source';

/** What goes to the sender of a request. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, with the length of the body where it is whole. */
  readonly headers: readonly string[];
  /** The whole body, or GraphQL responses in JSON as they come, which the sink frames as its protocol has it. */
  readonly body: Buffer | string | Source<Buffer> | undefined;
  /** Called when all of a whole body has been taken. */
  readonly release?: (() => void) | undefined;
}

/**
 * Where the answer to one request goes. `http/http-sink.ts` is the one of HTTP; another kind of connection brings another.
 */
export interface Sink {
  /** Whether an answer has begun. */
  readonly isAnswered: boolean;
  /** Whether its client takes an answer in parts. */
  readonly takesParts: boolean;
  /**
   * Sends the answer, or begins to. Called once at most. It asks for a part when its client has room for one, and cuts
   * the client off where the source fails, so that nobody takes that for the end. It need not close the source: the
   * request does when it ends, as it must where its client leaves.
   */
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
