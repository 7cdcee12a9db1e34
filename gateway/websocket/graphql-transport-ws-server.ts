/** The protocol of `graphql-ws` (its PROTOCOL.md): that library checks messages and names the close codes. */
import type { IncomingHttpHeaders } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import {
  CloseCode,
  type Message,
  MessageType,
  type PingMessage,
  type SubscribeMessage,
  validateMessage,
} from 'graphql-ws';
import type { Proof } from '../auth/authenticator';
import type { RequestHead } from '../request/incoming-request';
import { isMap } from '../options/is-map';
import { JsonParts } from '../subgraph-calls/wire/json-parts';
import { headersOfClient } from './connection-params';
import { connect } from './connect';
import type { Envelope } from './operation-sink';
import { ConnectionOperations } from './operations';
import { type Protocol, type ProtocolOptions, SERVICE_RESTART, TRY_AGAIN_LATER } from './protocol';
import type { SentError } from './refusal';
import type { ConnectionSteps } from './steps';

/** One connection that speaks `graphql-transport-ws`. */
export class GraphqlTransportWs implements Protocol {
  readonly operations: ConnectionOperations;
  readonly #options: ProtocolOptions;
  readonly #initTimer: NodeJS.Timeout;
  #state: 'new' | 'connecting' | 'connected' = 'new';
  /** Of each operation; with the payload of `connection_init` once that has come. */
  #head: RequestHead | undefined;
  #proof: Proof | undefined;
  /** The options by which its signature counts. */
  #provedBy: ConnectionSteps | undefined;
  #leave: (() => void) | undefined;

  constructor(options: ProtocolOptions) {
    const { connection, handshake, current } = (this.#options = options);
    this.operations = new ConnectionOperations({ connection, address: handshake.address, current, envelope });
    const giveUp = (): void =>
      connection.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    this.#initTimer = setTimeout(giveUp, current().options.subscriptions.initTimeout);
  }

  receive(text: Buffer): void {
    let message: Message;
    try {
      message = validateMessage(readMessage(text));
    } catch (error) {
      this.#close(CloseCode.BadRequest, (error as Error).message);
      return;
    }
    switch (message.type) {
      case MessageType.ConnectionInit:
        this.#connect(message.payload ?? {});
        break;
      case MessageType.Subscribe:
        this.#subscribe(message, text);
        break;
      case MessageType.Complete:
        this.operations.stop(message.id);
        break;
      case MessageType.Ping:
        this.#pong(message, text);
        break;
      case MessageType.Pong:
        break;
      default:
        this.#close(CloseCode.BadRequest, `A client sends no "${message.type}" message.`);
    }
  }

  end(): void {
    clearTimeout(this.#initTimer);
    this.#leave?.();
    this.operations.leave();
  }

  #connect(params: Readonly<Record<string, unknown>>): void {
    if (this.#state !== 'new') {
      this.#close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests');
      return;
    }
    this.#state = 'connecting';
    clearTimeout(this.#initTimer);
    const { handshake, identities, current } = this.#options;
    const steps = current();
    const { path } = steps.options;
    let headers: IncomingHttpHeaders;
    try {
      headers = headersOfClient({ handshake: handshake.headers, params, named: steps.paramHeaders });
    } catch (error) {
      this.#close(CloseCode.BadRequest, `connectionParams: ${(error as Error).message}`);
      return;
    }
    this.#head = { method: 'POST', url: path, headers };
    this.#leave = connect({
      ...{ steps, handshake, identities, headers },
      isProvedOnce: true,
      onConnected: (proof) => {
        // A signature is that of the connection, and no operation has another one.
        if (proof?.identity.mode === 'iam') this.#proof = { identity: proof.identity };
        this.#provedBy = steps;
        this.#state = 'connected';
        this.#send({ type: MessageType.ConnectionAck });
      },
      onRefused: (status, error) => this.#close(...closeFor(status, error)),
    });
  }

  #subscribe({ id }: SubscribeMessage, text: Buffer): void {
    if (this.#state !== 'connected') this.#close(CloseCode.Unauthorized, 'Unauthorized');
    else if (id.length > longestId)
      this.#close(CloseCode.BadRequest, `An id has at most ${longestId} characters.`);
    else if (this.operations.has(id))
      this.#close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
    else if (!this.#isProved())
      this.#close(SERVICE_RESTART, 'Who may sign has changed: connect again, with a new signature.');
    else {
      this.operations.begin({
        id,
        head: this.#head!,
        body: payloadIn(text),
        incremental: 'v0.2',
        proof: this.#proof,
      });
    }
  }

  /** A signature is not verified again, as it is valid for minutes: it counts while the same keys may sign. */
  #isProved(): boolean {
    const steps = this.#options.current();
    if (this.#proof === undefined || steps === this.#provedBy) return true;
    if (!isDeepStrictEqual(steps.options.auth.iam, this.#provedBy!.options.auth.iam)) return false;
    this.#provedBy = steps;
    return true;
  }

  /** With the payload as it came: one that is nested very deeply, `JSON.stringify` could not write. */
  #pong({ payload }: PingMessage, text: Buffer): void {
    const sent = payload === undefined ? '' : `,"payload":${payloadIn(text).toString()}`;
    this.#options.connection.send(`{"type":"${MessageType.Pong}"${sent}}`);
  }

  #send(message: object): void {
    this.#options.connection.send(JSON.stringify(message));
  }

  #close(code: number, reason: string): void {
    this.#options.connection.close(code, reason);
  }
}

const envelope: Envelope = {
  protocol: 'graphql-transport-ws',
  begin: () => undefined,
  beforeResult: (id) => `{"id":${JSON.stringify(id)},"type":"next","payload":`,
  readsNullData: true,
  errors: (id, payload) => JSON.stringify({ id, type: MessageType.Error, payload }),
  complete: (id) => JSON.stringify({ id, type: MessageType.Complete }),
};

/**
 * Why a connection is refused. Clients stop at these codes, but for the last one: what is refused now may be let in
 * later.
 */
function closeFor(status: number, { message }: SentError): [code: number, reason: string] {
  if (status === 401 || status === 403) return [CloseCode.Unauthorized, message];
  if (status < 429) return [CloseCode.BadRequest, message];
  return [TRY_AGAIN_LATER, message];
}

/** @throws {SyntaxError} */
function readMessage(text: Buffer): unknown {
  const message: unknown = JSON.parse(text.toString());
  // A persisted operation is named instead of its text, which the library demands.
  if (isMap(message) && isMap(message['payload']) && isNamed(message['payload']))
    return { ...message, payload: { ...message['payload'], query: '' } };
  return message;
}

const isNamed = (payload: Readonly<Record<string, unknown>>): boolean =>
  payload['query'] == null &&
  (typeof payload['documentId'] === 'string' ||
    isMap(payload['extensions']) ||
    typeof payload['id'] === 'string');

/** The payload of a message as its bytes came. */
function payloadIn(text: Buffer): Buffer {
  const parts = new JsonParts(text);
  let payload: Buffer | undefined;
  parts.object((name) => {
    const value = parts.value();
    // The last one counts, as with `JSON.parse`.
    if (name === 'payload') payload = value;
  });
  return payload!;
}

/** Characters. It is kept as long as the operation. */
const longestId = 256;
