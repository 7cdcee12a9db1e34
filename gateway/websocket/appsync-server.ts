/** AppSync's real-time protocol, as its clients speak it: `aws-appsync-subscription-link` and Amplify. */
import type { IncomingHttpHeaders } from 'node:http';
import { expired } from '../auth/authenticator';
import { type ErrorCode, errors as codes } from '../errors';
import { isMap } from '../options/is-map';
import { JsonParts } from '../subgraph-calls/wire/json-parts';
import { connect } from './connect';
import { headersOfClient } from './connection-params';
import { readHeaderObject } from './header-object';
import type { Envelope } from './operation-sink';
import { ConnectionOperations } from './operations';
import { type Protocol, type ProtocolOptions, TRY_AGAIN_LATER } from './protocol';
import type { SentError } from './refusal';

export interface AppsyncOptions extends ProtocolOptions {
  /** The header object, in Base64. */
  readonly header: string;
  /** Why the client may not connect, in a sentence; undefined if it may. */
  readonly refusal: string | undefined;
}

/** One connection of an AppSync client. Each `start` has credentials of its own. */
export class Appsync implements Protocol {
  readonly operations: ConnectionOperations;
  readonly #options: ProtocolOptions;
  /** The headers of the connection with its credentials, or why it is refused. Kept until it is authenticated. */
  #opening: IncomingHttpHeaders | RangeError | undefined;
  readonly #initTimer: NodeJS.Timeout;
  #state: 'new' | 'connecting' | 'connected' = 'new';
  #leave: (() => void) | undefined;
  /** Milliseconds of `performance.now()`. */
  #keptAlive = -Infinity;

  constructor({ header, refusal, ...options }: AppsyncOptions) {
    const { connection, handshake, current } = (this.#options = options);
    this.#opening =
      refusal === undefined ? openingHeaders(header, handshake, current) : new RangeError(refusal);
    this.operations = new ConnectionOperations({ connection, address: handshake.address, current, envelope });
    const giveUp = (): void =>
      connection.close(INITIALISATION_TIMEOUT, 'connection_init did not come in time.');
    this.#initTimer = setTimeout(giveUp, current().options.subscriptions.initTimeout);
  }

  receive(text: Buffer): void {
    const message = objectIn(text.toString());
    const { type, id } = message;
    if (type === 'connection_init') this.#connect();
    else if (this.#state !== 'connected')
      this.#refuse(401, { message: 'The connection is not acknowledged.' });
    else if (type === 'start' && isId(id)) this.#start(id, message['payload']);
    else if (type === 'stop' && isId(id)) {
      this.operations.stop(id);
      this.#send({ id, type: 'complete' });
    } else
      this.#send({
        ...(isId(id) && { id }),
        type: 'error',
        payload: {
          errors: [{ errorType: 'UnsupportedOperation', message: 'This message is not supported.' }],
        },
      });
  }

  /** Clients that see no `ka` for 5 minutes connect anew. */
  look(now: number): void {
    if (this.#state !== 'connected' || now - this.#keptAlive < keepAlive) return;
    this.#keptAlive = now;
    this.#send({ type: 'ka' });
  }

  end(): void {
    clearTimeout(this.#initTimer);
    this.#leave?.();
    this.operations.leave();
  }

  #connect(): void {
    if (this.#state !== 'new') return;
    this.#state = 'connecting';
    clearTimeout(this.#initTimer);
    const { handshake, identities, current } = this.#options;
    const headers = this.#opening!;
    this.#opening = undefined;
    if (headers instanceof RangeError) {
      this.#refuse(400, headers);
      return;
    }
    this.#leave = connect({
      ...{ steps: current(), handshake, identities, headers },
      isProvedOnce: false,
      onConnected: () => {
        this.#state = 'connected';
        this.#send({ type: 'connection_ack', payload: { connectionTimeoutMs } });
        this.look(performance.now());
      },
      onRefused: (status, error) => this.#refuse(status, error),
    });
  }

  #start(id: string, payload: unknown): void {
    const { data, extensions } = isMap(payload) ? payload : {};
    const authorization = isMap(extensions) ? extensions['authorization'] : undefined;
    const { current, handshake } = this.#options;
    const { options, paramHeaders } = current();
    const refuse = (message: string): void => this.#send(envelope.errors(id, [{ message }]));
    if (typeof data !== 'string') refuse('`payload.data` must be the JSON of an operation.');
    else if (this.operations.has(id)) refuse(`The id ${id} is in use.`);
    else {
      let headers: IncomingHttpHeaders;
      try {
        headers = headersOfClient({
          handshake: handshake.headers,
          params: isMap(authorization) ? authorization : {},
          named: paramHeaders,
        });
      } catch (error) {
        refuse((error as Error).message);
        return;
      }
      const head = { method: 'POST', url: options.path, headers };
      this.operations.begin({ id, head, body: Buffer.from(data), incremental: undefined });
    }
  }

  /** Clients do not try again after 400, 401 and 403. */
  #refuse(status: number, { message }: SentError): void {
    const errorType = status === 401 || status === 403 ? 'UnauthorizedException' : errorTypeOf(status);
    this.#send({
      type: 'connection_error',
      payload: { errors: [{ errorType, message, errorCode: status }] },
    });
    const code = status < 429 ? 4000 + status : TRY_AGAIN_LATER;
    this.#options.connection.close(code, message);
  }

  #send(message: object | string): void {
    this.#options.connection.send(typeof message === 'string' ? message : JSON.stringify(message));
  }
}

/** The headers of a handshake are read at once: of a large header object little is kept. */
function openingHeaders(
  header: string,
  { headers }: ProtocolOptions['handshake'],
  current: ProtocolOptions['current'],
): IncomingHttpHeaders | RangeError {
  const { paramHeaders: named } = current();
  try {
    return headersOfClient({ handshake: headers, params: readHeaderObject(header), named });
  } catch (error) {
    return error as RangeError;
  }
}

const envelope: Envelope = {
  protocol: 'appsync',
  begin: (id) => JSON.stringify({ id, type: 'start_ack' }),
  beforeResult: (id) => `{"id":${JSON.stringify(id)},"type":"data","payload":`,
  readable: withoutNullData,
  readsNullData: false,
  errors: (id, errors) =>
    JSON.stringify({ id, type: 'error', payload: { errors: errors.map(appsyncError) } }),
  // Clients ignore `complete`: they would wait for ever.
  complete: (id, isStream) =>
    isStream
      ? envelope.errors(id, [{ message: 'The subscription has come to its end.' }])
      : JSON.stringify({ id, type: 'complete' }),
};

/** Clients ignore a result whose `data` is null, and its errors: it gets an empty object instead of null. */
function withoutNullData(body: Buffer): Buffer {
  const parts = new JsonParts(body);
  if (body.toString('latin1', 0, withObject.length) === withObject || !parts.isObject) return body;
  let data: Buffer | undefined;
  parts.object((name) => {
    const value = parts.value();
    if (name === 'data') data = value;
  });
  if (data?.toString('latin1', 0, 4) !== 'null') return body;
  const start = data.byteOffset - body.byteOffset;
  return Buffer.concat([body.subarray(0, start), emptyObject, body.subarray(start + data.length)]);
}

/** How results without errors begin. */
const withObject = '{"data":{';
const emptyObject = Buffer.from('{}');

/**
 * An error as AppSync's clients read it. At `UnauthorizedException` Amplify closes the connection, which others share, and
 * opens it again with a new token: good where the token has expired, and for nothing else.
 */
function appsyncError({ message, extensions }: SentError) {
  if (message === expired.token) return { errorType: 'UnauthorizedException', message };
  const code = extensions?.code;
  const status = code !== undefined && Object.hasOwn(codes, code) ? codes[code as ErrorCode].status : 400;
  const isFull = code === 'MAX_CONNECTION_OPERATIONS_LIMIT';
  return { errorType: isFull ? 'MaxSubscriptionsReachedError' : errorTypeOf(status), message };
}

function errorTypeOf(status: number): string {
  if (status === 429) return 'LimitExceededError';
  return status < 500 ? 'BadRequestException' : 'ServiceUnavailableException';
}

const isId = (id: unknown): id is string => typeof id === 'string' && id !== '' && id.length <= longestId;

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : {};
  } catch {
    return {};
  }
}

/** Milliseconds. */
const connectionTimeoutMs = 300_000;
const keepAlive = 60_000;
const INITIALISATION_TIMEOUT = 4408;
/** Characters. It is kept as long as the operation. */
const longestId = 256;
