import type { IncomingHttpHeaders } from 'node:http';
import { linkHeaders } from './signers/private-link';
import { ofOneRequest } from './shareable';
import type { Caller } from './transport';

/** The rules by which client headers are forwarded to subgraphs. Names are case-insensitive. */
export interface HeaderRules {
  /**
   * Headers that are passed on.
   *
   * @default [] (none)
   */
  readonly forward?: readonly string[] | undefined;
  /** Headers that are passed on under another name: the client's name to the subgraphs'. */
  readonly rename?: Readonly<Record<string, string>> | undefined;
  /** Headers that every call has, whatever the client sent. */
  readonly set?: Readonly<Record<string, string>> | undefined;
}

/**
 * Compiles rules to a function that picks, from the headers of a client's request, those of its subgraph calls.
 *
 * Headers that belong to a connection, describe a body or are trusted by subgraphs are never forwarded: a rule for them is a
 * `RangeError`, and so is a value with a line break. A header that the client names in its `Connection` header, or whose value could not be
 * sent, is left out.
 */
export function compileHeaderRules(rules: HeaderRules): (headers: IncomingHttpHeaders) => Caller['headers'] {
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(rules.set ?? {})) {
    if (!isValue(value)) {
      throw new RangeError(
        `The value of the header "${name}" must be printable, but got: ${JSON.stringify(value)}`,
      );
    }
    set[checkedName(name)] = value;
  }
  const passed = [
    ...(rules.forward ?? []).map((name) => [name, name] as const),
    ...Object.entries(rules.rename ?? {}),
  ]
    .map(([from, to]) => ({ from: checkedName(from), to: checkedName(to) }))
    .filter(({ to }) => !Object.hasOwn(set, to));

  return (headers) => {
    const chosen = { ...set };
    const ofConnection = headers.connection === undefined ? undefined : namesIn(headers.connection);
    for (const { from, to } of passed) {
      const value = headers[from];
      if (value === undefined || ofConnection?.has(from)) continue;
      const text = typeof value === 'string' ? value : value.join(from === 'cookie' ? '; ' : ', ');
      if (isValue(text)) chosen[to] = text;
    }
    return chosen;
  };
}

/**
 * The name in lower case and the value of a header that is added to the calls of one request.
 *
 * @throws {RangeError} as rules do
 */
export function addedHeader(name: string, value: string): readonly [name: string, value: string] {
  const lower = checkedName(name);
  if (ofOneRequest.has(lower))
    throw new RangeError(`The header "${name}" must not be forwarded: the gateway says it of each call`);
  if (!isValue(value))
    throw new RangeError(
      `The value of the header "${name}" must be printable, but got: ${JSON.stringify(value)}`,
    );
  return [lower, value];
}

/** The `Caller.scope` of these. A name has no colon in it, and a value no line break. */
export function scopeOf(headers: Caller['headers'], signedIdentity?: Caller['signedIdentity']): string {
  let scope = '';
  for (const name of Object.keys(headers).sort()) scope += `${name}:${headers[name]}\n`;
  // Of this name there is no header of a client.
  return signedIdentity === undefined ? scope : `${scope}weir-identity:${signedIdentity}\n`;
}

function checkedName(name: string): string {
  const lower = name.toLowerCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(lower) || lower === '__proto__') {
    throw new RangeError(`A header's name must be a token, but got: ${JSON.stringify(name)}`);
  }
  if (notForwarded.has(lower)) {
    throw new RangeError(
      `The header "${name}" must not be forwarded: it belongs to a connection or to a body`,
    );
  }
  if (linkHeaders.includes(lower)) {
    throw new RangeError(`The header "${name}" must not be forwarded: subgraphs know their gateway by it`);
  }
  return lower;
}

const notForwarded = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'expect',
  'accept',
  'accept-encoding',
  'content-length',
  'content-type',
  'content-encoding',
]);

const namesIn = (connection: string): Set<string> =>
  new Set(connection.split(',').map((name) => name.trim().toLowerCase()));

const isValue = (text: string): boolean => !/[^\t\x20-\x7e\x80-\xff]/.test(text);
