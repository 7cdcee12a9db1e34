import type { Caller, TransportFailure } from './transport';

/** Authenticates calls to a subgraph. It lives as long as the process, so that fetched tokens outlive a supergraph. */
export interface Signer {
  /** Names of the headers that it may write, in lower case. A client header of the same name is not forwarded. */
  readonly headers: readonly string[];
  /** Whether what it writes depends on the caller. @default false */
  readonly usesCaller?: boolean | undefined;
  /**
   * The headers of one call, names and values in turn. Returned without a promise where possible, as a promise would
   * delay every call.
   *
   * Throws, or rejects, if it has no key or token: with a `SigningError` if that lies with the caller. The call is not sent then.
   */
  sign(call: UnsignedCall): SignedHeaders | Promise<SignedHeaders>;
}

export interface UnsignedCall {
  /** `GET` of the upgrade to a WebSocket, which has no body; any method of a REST request. @default 'POST' */
  readonly method?: string | undefined;
  readonly url: URL;
  /** The body as it is sent. */
  readonly body: Buffer;
  /** Its headers beside those of a caller, which a signature may cover. @default those of every call */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether path and query are what is requested, so that a signature must cover them. @default false */
  readonly isRest?: boolean | undefined;
  readonly caller: Pick<Caller, 'headers' | 'signedIdentity'>;
}

export type SignedHeaders = readonly string[];

/** Why there is nothing to sign the call of this caller with. The message is for the log. */
export class SigningError extends Error {
  override readonly name = 'SigningError';

  constructor(
    readonly failure: TransportFailure,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** What it means for a call that its signer throws or rejects. */
export const failureOfSigning = (error: unknown): TransportFailure =>
  error instanceof SigningError ? error.failure : 'unsigned';
