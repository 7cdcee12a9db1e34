/** The error codes that the engine gives, with the HTTP status of an answer that is nothing but this error. */
export const errors = {
  SUBREQUEST_HTTP_ERROR: { status: 502 },
  SUBREQUEST_MALFORMED_RESPONSE: { status: 502 },
  GATEWAY_TIMEOUT: { status: 504 },
  DOWNSTREAM_SERVICE_ERROR: { status: 502 },
  UNSUPPORTED_OPERATION: { status: 400 },
} as const satisfies Record<string, { status: number }>;

export type ErrorCode = keyof typeof errors;
