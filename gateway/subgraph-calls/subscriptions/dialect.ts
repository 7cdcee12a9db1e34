import type { Caller, SubgraphRequest, TransportFailure } from '../contract/transport';

/** What is spoken over WebSockets that carry several subscriptions. */
export interface Dialect {
  /** Whether the subgraph confirms a subscription. Otherwise it counts as accepted once it is sent. */
  readonly acknowledges: boolean;
  /** How many subscriptions one connection may have. */
  readonly most: number;
  /** What a connection is opened with. Rejects when there is nothing to sign it with. */
  handshake(caller: Caller): SubgraphHandshake | Promise<SubgraphHandshake>;
  /** The message that begins a subscription. Rejects when there is nothing to sign it with. */
  start(id: string, request: SubgraphRequest): Buffer | Promise<Buffer>;
  /** The message that ends a subscription. */
  stop(id: string): string;
  /** @throws {SyntaxError} when it is no message of this dialect */
  read(message: Buffer): SubgraphMessage;
  /**
   * The message that asks whether the subgraph is there; null: a ping of WebSockets does (RFC 6455, section 5.5.2).
   *
   * @default undefined: nothing asks, the subgraph sends a sign of life itself
   */
  readonly ping?: string | null | undefined;
  /** The answer to such a message of the subgraph. */
  readonly pong?: string | undefined;
  /** Why a connection ended, by the code with which the subgraph closed it; `interrupted` where it may be opened again. */
  failureOf(code: number): TransportFailure;
}

export interface SubgraphHandshake {
  /** An http or https URL. */
  readonly url: URL;
  /** The first one is that which the subgraph must choose. */
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** The first message. */
  readonly init: string;
}

/** A message of a subgraph. */
export type SubgraphMessage =
  /** The connection is accepted. `silence`: milliseconds without a message after which it is dead. */
  | { readonly is: 'ready'; readonly silence?: number | undefined }
  | { readonly is: 'accepted'; readonly id: string }
  | { readonly is: 'event'; readonly id: string; readonly body: Buffer }
  /** The subscription is refused, or failed: a GraphQL response with errors alone. */
  | { readonly is: 'refused'; readonly id: string; readonly body: Buffer }
  | { readonly is: 'complete'; readonly id: string }
  | { readonly is: 'ping' }
  /** A sign of life, and nothing else. */
  | { readonly is: 'alive' }
  /** The connection is refused. */
  | { readonly is: 'closed'; readonly failure: TransportFailure; readonly reason: string };

/** The close code of a client that leaves: RFC 6455, section 7.4.1. */
export const normalClosure = 1000;
