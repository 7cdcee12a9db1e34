import type { Caller } from './transport';

/** What proves to a subgraph who calls it. It lives as long as the process: what it has fetched serves all supergraphs. */
export interface Signer {
  /** The headers that it may write, in lower case. One of the client's request of the same name is left out. */
  readonly headers: readonly string[];
  /**
   * The headers of one call: names and values in turn. At once where that is possible, or every call would wait for a
   * turn of the event loop.
   *
   * Throws, or rejects, when there is nothing to sign with: the call is not made then.
   */
  sign(call: UnsignedCall): SignedHeaders | Promise<SignedHeaders>;
}

export interface UnsignedCall {
  readonly url: URL;
  /** As it is sent. */
  readonly body: Buffer;
  readonly caller: Pick<Caller, 'headers' | 'signedIdentity'>;
}

export type SignedHeaders = readonly string[];
