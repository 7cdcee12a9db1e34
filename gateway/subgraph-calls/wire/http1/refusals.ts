/** Why the strict client does not understand a response: the predicate of a log message. */
export const refusals = {
  'status-line': 'does not begin with a status line of HTTP/1.1 and a status from 200 to 599',
  informational: 'is informational (1xx)',
  bodiless: 'has a status whose responses have no body (204, 205 or 304)',
  upgrade: 'offers an upgrade of the connection',
  connection: 'has a `Connection` header with another value than `keep-alive` or `close`',
  trailers: 'has trailers, or announces them',
  unframed: 'has neither `Content-Length` nor `Transfer-Encoding`: the end of the connection is its end',
  framing:
    'has `Content-Length` or `Transfer-Encoding` twice, or both of them, or with another value than a number or `chunked`',
  header: 'has a malformed header line',
  'header-size': 'has headers of more than 16 KiB',
  chunk: 'has a chunk with an extension, or a malformed one',
  excess: 'is followed by bytes that belong to no call',
} as const;

export type MisreadReason = keyof typeof refusals;
