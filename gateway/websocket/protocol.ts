import type { IncomingHttpHeaders } from 'node:http';
import type { WebSocketConnection } from './connection';
import type { ConnectionsByIdentity } from './connections-by-identity';
import type { ConnectionOperations } from './operations';
import type { ConnectionSteps } from './steps';

/** The messages of one connection, once it is open. */
export interface Protocol {
  readonly operations: Pick<ConnectionOperations, 'count' | 'goAway'>;
  /** Takes a whole message. Never throws. */
  receive(text: Buffer): void;
  /** Called from time to time. @param now milliseconds of `performance.now()` */
  look?(now: number): void;
  /** The connection is over. */
  end(): void;
}

/** The request that has opened a connection. */
export interface Handshake {
  /** Path and query string. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The address of the client. */
  readonly address: string;
}

export interface ProtocolOptions {
  readonly connection: WebSocketConnection;
  readonly handshake: Handshake;
  /** Those of the process. */
  readonly identities: ConnectionsByIdentity;
  /** What the options in force do. */
  readonly current: () => ConnectionSteps;
}

/** Close codes of RFC 6455, section 7.4.1, and of its registry. */
export const GOING_AWAY = 1001;
export const POLICY_VIOLATION = 1008;
export const SERVICE_RESTART = 1012;
export const TRY_AGAIN_LATER = 1013;
