import type { IncomingHttpHeaders } from 'node:http';
import { isMap } from '../options/is-map';
import type { CallResult } from './call-result';
import { serverInfo } from './library';

/** A call of a tool in the form in which nearly all clients send it. Any other message is read by the library. */
export interface UsualCall {
  readonly id: string | number;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Whether it is of the protocol of 2026, whose requests need no session. */
  readonly isModern: boolean;
}

export const modernVersion = '2026-07-28';
const olderVersions: ReadonlySet<unknown> = new Set(['2025-03-26', '2025-06-18', '2025-11-25']);
const meta = 'io.modelcontextprotocol/';

/**
 * The library takes five times as long for a call as the gateway for a cached answer, so what it checks of a usual call is
 * checked here. `test/integration/mcp-usual-calls.test.ts` holds both to the same answers.
 */
export function usualCall(message: unknown, headers: IncomingHttpHeaders): UsualCall | undefined {
  if (!isMap(message) || message['jsonrpc'] !== '2.0' || message['method'] !== 'tools/call') return undefined;
  const { id, params } = message;
  if (!(typeof id === 'string' || Number.isInteger(id)) || !isMap(params)) return undefined;
  const { name, arguments: given = {}, _meta: envelope = {}, ...more } = params;
  if (typeof name !== 'string' || !isMap(given) || !isMap(envelope) || !isEmpty(more)) return undefined;
  const version = headers['mcp-protocol-version'];
  const isModern = version === modernVersion;
  const isUsual = isModern
    ? isUsualEnvelope(envelope) && headers['mcp-method'] === 'tools/call' && headers['mcp-name'] === name
    : olderVersions.has(version) &&
      takesBoth(headers.accept) &&
      !Object.keys(envelope).some((key) => key.startsWith(meta));
  return isUsual ? { id: id as string | number, name, arguments: given, isModern } : undefined;
}

function isUsualEnvelope(envelope: Readonly<Record<string, unknown>>): boolean {
  const client = envelope[`${meta}clientInfo`];
  const own = Object.keys(envelope).filter((key) => key.startsWith(meta));
  return (
    own.length === 3 &&
    envelope[`${meta}protocolVersion`] === modernVersion &&
    isMap(client) &&
    typeof client['name'] === 'string' &&
    typeof client['version'] === 'string' &&
    Object.keys(client).length === 2 &&
    isMap(envelope[`${meta}clientCapabilities`]) &&
    isEmpty(envelope[`${meta}clientCapabilities`] as object)
  );
}

const isEmpty = (map: object): boolean => Object.keys(map).length === 0;

const takesBoth = (accept = ''): boolean =>
  accept.includes('application/json') && accept.includes('text/event-stream');

/** The answer to a usual call, as the library writes it, up to what comes of the tool. */
export const startOf = ({ id, isModern }: UsualCall): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${isModern ? modernMembers() : ''}`;

/** The rest of it. */
export function contentOf({ isError, text }: CallResult): string {
  const content = `"content":[{"type":"text","text":${JSON.stringify(text)}}]`;
  return `${content},${isError ? '"isError":true' : `"structuredContent":${text}`}}}`;
}

let members: string | undefined;

const modernMembers = (): string =>
  (members ??= `"resultType":"complete","_meta":${JSON.stringify({ [`${meta}serverInfo`]: serverInfo() })},`);
