import type { CallResult } from './call-result';
import { serverInfo } from './library';

export interface MessageFacts {
  /** That of the call. */
  readonly id: string | number | null;
  /** Whether it is of the protocol of 2026, whose requests need no session. */
  readonly isModern: boolean;
}

export const modernVersion = '2026-07-28';
export const metaPrefix = 'io.modelcontextprotocol/';

/** The message with the result of a call, as the library writes it, up to what comes of the tool. */
export const startOf = ({ id, isModern }: MessageFacts): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${isModern ? modernMembers() : ''}`;

/** The rest of it. */
export function contentOf({ isError, text }: CallResult): string {
  const content = `"content":[{"type":"text","text":${JSON.stringify(text)}}]`;
  return `${content},${isError ? '"isError":true' : `"structuredContent":${text}`}}}`;
}

let members: string | undefined;

const modernMembers = (): string =>
  (members ??= `"resultType":"complete","_meta":${JSON.stringify({ [`${metaPrefix}serverInfo`]: serverInfo() })},`);
