/** The header object of AppSync's clients, with the credentials of a connection: in its handshake, in Base64. */
import type { IncomingMessage } from 'node:http';
import { pathOf } from '../http/paths';
import { isMap } from '../options/is-map';
import { searchOf } from '../request/parsed-request';

/** The sub-protocol. The legacy one of `subscriptions-transport-ws` has the same name, but no header object. */
export const APPSYNC_PROTOCOL = 'graphql-ws';

type HeaderObjectSource = Pick<IncomingMessage, 'url' | 'headers'>;

/** The header object in Base64; undefined where the client is none of AppSync's. That of the sub-protocols comes first. */
export const headerObjectOf = (handshake: HeaderObjectSource): string | undefined =>
  inProtocols(handshake) ?? inQuery(handshake);

/** Whether a handshake has several header objects that differ: a proxy in front may have checked another one. */
export function hasDifferentHeaderObjects(handshake: HeaderObjectSource): boolean {
  const inUrl = new URLSearchParams(searchOf(handshake.url!)).getAll('header').map(withPluses);
  const all = [...allInProtocols(handshake), ...inUrl];
  return new Set(all.map((each) => Buffer.from(each, 'base64').toString('latin1'))).size > 1;
}

/** How many characters of a handshake are header objects; 0 where its client is none of AppSync's. */
export function lengthOfHeaderObjects(handshake: HeaderObjectSource): number {
  const protocols = protocolsOf(handshake);
  if (!protocols.includes(APPSYNC_PROTOCOL)) return 0;
  const inUrl = inQuery(handshake) === undefined ? 0 : searchOf(handshake.url!).length;
  return (inProtocols(handshake)?.length ?? 0) + inUrl;
}

/** The URL of a handshake; without its query string where the header object is there. */
export const urlWithoutHeaderObject = (handshake: HeaderObjectSource): string =>
  inQuery(handshake) === undefined ? handshake.url! : pathOf(handshake.url!);

const headerPrefix = 'header-';

const protocolsOf = ({ headers }: HeaderObjectSource): readonly string[] =>
  headers['sec-websocket-protocol']?.split(/[ ,]+/) ?? [];

const allInProtocols = (handshake: HeaderObjectSource): readonly string[] =>
  protocolsOf(handshake)
    .filter((protocol) => protocol.startsWith(headerPrefix))
    .map((protocol) => protocol.slice(headerPrefix.length));

const inProtocols = (handshake: HeaderObjectSource): string | undefined => allInProtocols(handshake)[0];

// Older clients do not encode its plus signs, which are spaces then.
const withPluses = (header: string): string => header.replaceAll(' ', '+');

const inQuery = ({ url }: HeaderObjectSource): string | undefined => {
  const search = searchOf(url!);
  if (search === '') return undefined;
  const header = new URLSearchParams(search).get('header');
  return header === null ? undefined : withPluses(header);
};

/** @throws {RangeError} with a sentence for the client */
export function readHeaderObject(base64: string): Readonly<Record<string, unknown>> {
  if (!/^[\w+/-]*={0,2}$/.test(base64)) throw wrong('in Base64');
  let object: unknown;
  try {
    object = JSON.parse(Buffer.from(base64, 'base64').toString());
  } catch {
    throw wrong('JSON');
  }
  if (!isMap(object)) throw wrong('a JSON object');
  return object;
}

const wrong = (what: string): RangeError =>
  new RangeError(`The header object of the handshake must be ${what}.`);
