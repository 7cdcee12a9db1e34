import type { IncomingHttpHeaders } from 'node:http';
import { isMap } from '../options/is-map';
import { type MessageFacts, metaPrefix as meta, modernVersion } from './result-message';

/** A call of a tool in the form in which nearly all clients send it. Any other message is read by the library. */
export interface UsualCall extends MessageFacts {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

const olderVersions: ReadonlySet<unknown> = new Set(['2025-03-26', '2025-06-18', '2025-11-25']);

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
