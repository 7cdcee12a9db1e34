import type { SubgraphResponse, TransportFailure } from './transport';

/** A request over HTTP, as what carries it over a connection sees it. */
export interface Exchange {
  /** The path and the query of the URL. */
  readonly path: string;
  /** Names in lower case and values in turn, checked. */
  readonly headers: readonly string[];
  readonly bodySize: number;
  /** In bytes, of the body as it is sent. */
  readonly maxResponseSize: number;
  /** Whether nobody waits for it any more. */
  readonly givenUp: boolean;
  /** Set while it is on its way. */
  carrier: Carrier | undefined;
  /** Writes the body, `bodySize` bytes, to `target` from `offset` on. */
  writeBody(target: Buffer, offset: number): void;
  answer(response: SubgraphResponse): void;
  fail(failure: TransportFailure, cause?: Error): void;
}

/** What an exchange is under way on. */
export interface Carrier {
  /** Stops it. Nothing is heard of it any more. */
  abandon(): void;
}

/** The connections to one origin. */
export interface Connections {
  send(exchange: Exchange): void;
  /** Ends them. What is under way has failed. */
  close(): Promise<void>;
}
