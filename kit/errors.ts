import { GraphQLError } from 'graphql';

/**
 * An error that the client gets unmasked: `throw new SubgraphError('NOT_FOUND', 'There is no user "u9".')`.
 * `facts` become fields of `extensions` beside `code`, so that a client need not parse the message; `cause` is for the
 * log only.
 */
export class SubgraphError extends GraphQLError {
  readonly code: ErrorCode;
  override readonly cause: unknown;

  constructor(
    code: ErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, { extensions: { ...facts, code } });
    this.name = 'SubgraphError';
    this.code = code;
    this.cause = cause;
  }
}

/** The error for an argument that has a value which its field does not accept, such as `input.rating`. */
export const badInput = (argument: string, message: string): SubgraphError =>
  new SubgraphError('BAD_USER_INPUT', message, { argument });

/** The error codes of subgraphs, with their meaning. All other errors are masked. */
export const errorCodes = {
  BAD_USER_INPUT:
    'An argument has a value that this field does not accept; `extensions.argument` names it, or `extensions.attribute` the key that it would be.',
  CONFLICT: 'The thing was changed by somebody else in the meantime; read it again and repeat.',
  FORBIDDEN: 'The caller is known and may not do this.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key was used before with another input.',
  INVALID_CURSOR: 'The cursor is not one that this connection gave out.',
  NOT_ARCHIVED:
    'The mutation is done, but its events were not archived in time; repeat it with its idempotency key until they are.',
  NOT_FOUND: 'The thing that the operation names does not exist.',
  OUT_OF_STOCK: 'Less is left than was asked for.',
  PAYMENT_DECLINED: 'The payment was declined; another means of payment may help.',
  TOO_LARGE: 'The operation asks for more than is worked out at once; ask for shorter lists, or nest fewer.',
  UNAUTHENTICATED: 'The operation needs to know who calls, and nobody is signed in.',
  UNAVAILABLE: 'Something that this field needs did not answer in time; repeating may help.',
} as const;

export type ErrorCode = keyof typeof errorCodes;
