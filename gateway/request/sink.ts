import type { Source } from '../subgraph-calls/source';

/** An answer to a request, as it is sent. */
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
 * Where the answer to one request is written. `http/http-sink.ts` is the sink of HTTP; each kind of connection has its own.
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
  /** The body of the request while it arrives; undefined if requests arrive in one piece. */
  readonly upload?: Upload | undefined;
}

/** The body of an arriving request. */
export interface Upload {
  readonly hasArrived: boolean;
  /** Bytes of it that are kept, at most. @param limit bytes that a body may have */
  kept(limit: number): number;
  /** Answers that it did not arrive in time, and stops reading it. */
  giveUp(): void;
}
