/** The client's part of the sub-protocol `graphql-transport-ws`, as PROTOCOL.md of `graphql-ws` has it. */
import { JsonParts } from '../wire/json-parts';
import { subscribeBody } from '../wire/request-body';
import { linkHeaders } from '../signers/private-link';
import type { Signer } from '../contract/signer';
import { subjectTokenHeader } from '../header-rules';
import type { Caller } from '../contract/transport';
import type { Dialect, SubgraphHandshake, SubgraphMessage } from './dialect';

export interface GraphQLTransportWsOptions {
  /** An http or https URL. */
  readonly url: URL;
  /** Headers of every connection. A client header of the same name is not forwarded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer | undefined;
}

/**
 * The upgrade has the headers of a call, and is signed as a `GET` without a body. The payload of `connection_init` has the
 * same headers, those of private links left out: servers look for credentials in either.
 */
export function graphqlTransportWs({ url, headers: fixed, signer }: GraphQLTransportWsOptions): Dialect {
  const replaced = new Set([...Object.keys(fixed), ...(signer?.headers ?? []), subjectTokenHeader]);

  async function handshake(caller: Caller): Promise<SubgraphHandshake> {
    const headers: Record<string, string> = { ...fixed };
    for (const [name, value] of Object.entries(caller.headers))
      if (!replaced.has(name) && !name.startsWith('sec-websocket-')) headers[name] = value;
    const signed = (await signer?.sign({ method: 'GET', url, body: nothing, caller })) ?? [];
    for (let i = 0; i < signed.length; i += 2) headers[signed[i]!] = signed[i + 1]!;
    const payload = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !linkHeaders.includes(name)),
    );
    return {
      url,
      protocols: ['graphql-transport-ws'],
      headers,
      init: JSON.stringify({ type: 'connection_init', payload }),
    };
  }

  return {
    acknowledges: false,
    most: Infinity,
    handshake,
    start: (id, request) =>
      Buffer.concat([
        Buffer.from(`{"id":"${id}","type":"subscribe","payload":`),
        subscribeBody(request),
        closing,
      ]),
    stop: (id) => `{"id":"${id}","type":"complete"}`,
    read,
    ping: '{"type":"ping"}',
    pong: '{"type":"pong"}',
    failureOf: (code) => (final.has(code) ? 'not-accepted' : 'interrupted'),
  };
}

const nothing = Buffer.alloc(0);
const closing = Buffer.from('}');

/** Close codes after which clients do not come back. */
const final = new Set([4400, 4401, 4403, 4406, 4409, 4429]);

function read(message: Buffer): SubgraphMessage {
  return eventIn(message) ?? readAny(message);
}

/**
 * An event as most servers write it: `{"id":"1","type":"next","payload":{…}}`. Undefined for what is written otherwise. Reading
 * every member would take a third of the time that the rest takes from the socket to the execution.
 */
function eventIn(message: Buffer): SubgraphMessage | undefined {
  if (!hasAt(message, beforeId, 0)) return undefined;
  let idEnd = beforeId.length;
  while (isDigit(message[idEnd])) idEnd++;
  if (!hasAt(message, beforePayload, idEnd) || message.at(-1) !== CLOSE_OBJECT) return undefined;
  const body = message.subarray(idEnd + beforePayload.length, -1);
  if (!isOneValue(body)) return undefined;
  return { is: 'event', id: message.toString('latin1', beforeId.length, idEnd), body };
}

function hasAt(message: Buffer, bytes: Buffer, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (message[at + i] !== bytes[i]) return false;
  return true;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function isOneValue(json: Buffer): boolean {
  const parts = new JsonParts(json);
  try {
    parts.value();
    parts.end();
    return true;
  } catch {
    return false;
  }
}

const beforeId = Buffer.from('{"id":"');
/** Our ids are digits. */
const beforePayload = Buffer.from('","type":"next","payload":');
const CLOSE_OBJECT = 0x7d;

function readAny(message: Buffer): SubgraphMessage {
  const { type, id, payload } = readEnvelope(message);
  switch (type) {
    case 'connection_ack':
      return { is: 'ready' };
    case 'next':
      return { is: 'event', id: checked(id), body: checked(payload) };
    case 'error':
      return {
        is: 'refused',
        id: checked(id),
        body: Buffer.concat([Buffer.from('{"errors":'), checked(payload), closing]),
      };
    case 'complete':
      return { is: 'complete', id: checked(id) };
    case 'ping':
      return { is: 'ping' };
    case 'pong':
      return { is: 'alive' };
    default:
      throw new SyntaxError('The message has no known type.');
  }
}

interface MessageEnvelope {
  readonly type: string | undefined;
  readonly id: string | undefined;
  /** As it came. */
  readonly payload: Buffer | undefined;
}

/** Reads the members that all messages have; the payload is passed over. @throws {SyntaxError} */
export function readEnvelope(message: Buffer): MessageEnvelope {
  const parts = new JsonParts(message);
  let [type, id, payload]: [string?, string?, Buffer?] = [];
  parts.object((name) => {
    const value = parts.value();
    if (name === 'type') type = textIn(value);
    else if (name === 'id') id = textIn(value);
    else if (name === 'payload') payload = value;
  });
  parts.end();
  return { type, id, payload };
}

function textIn(json: Buffer): string | undefined {
  const value: unknown = JSON.parse(json.toString());
  return typeof value === 'string' ? value : undefined;
}

export function checked<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new SyntaxError('The message lacks a member.');
  return value;
}
