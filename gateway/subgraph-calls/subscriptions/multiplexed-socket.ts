/** Over 300 lines: the life of one socket, and of the subscriptions that it carries. */
import type { buildConnector } from 'undici';
import type { WebSocket } from 'ws';
import type * as Ws from 'ws';
import { failureOfSigning } from '../contract/signer';
import { failureOf as failureOfNetwork, isTemporary } from '../wire/network-failure';
import type { PendingCall, PendingCalls } from '../sharing/pending-calls';
import { type SubgraphRequest, TransportError, type TransportFailure } from '../contract/transport';
import { type Dialect, type SubgraphMessage, normalClosure } from './dialect';
import { EventQueue, type EventBounds } from './event-queue';
import { eventOf } from './events';
import type { OpenedSubscription } from './resume';

export interface SocketOptions {
  readonly subgraph: string;
  readonly dialect: Dialect;
  readonly connect: buildConnector.connector;
  /** Milliseconds until the connection must be accepted, and each subscription on it. */
  readonly timeout: number;
  /** Bytes of the largest event. */
  readonly maxResponseSize: number;
  /** Milliseconds of silence after which the subgraph is pinged; after as many more the connection is dead. 0: never. */
  readonly heartbeat: number;
  /** Milliseconds that a connection without subscriptions stays open. */
  readonly keepAlive: number;
  readonly bounds: EventBounds;
  readonly pending: PendingCalls;
  readonly onDropped: (count: number) => void;
}

interface SocketSubscription extends PendingCall {
  readonly id: string;
  readonly request: SubgraphRequest;
  readonly queue: EventQueue;
  /** Whether the subgraph knows of it. */
  isSent: boolean;
  isAccepted: boolean;
  /** Resolves what waits for it: it is open. */
  accept(): void;
  /** Rejects what waits for it, or reads it. */
  fail(failure: TransportFailure, cause?: unknown): void;
}

/** One WebSocket to a subgraph, and the subscriptions on it. */
export class MultiplexedSocket {
  readonly #options: SocketOptions;
  /** `isFault`: the subgraph sent over it what it must not. */
  readonly #onEnd: (isFault: boolean) => void;
  readonly #subscriptions = new Map<string, SocketSubscription>();
  #socket: WebSocket | undefined;
  #state: 'opening' | 'ready' | 'ended' = 'opening';
  #lastId = 0;
  /** Ends an opening that takes too long, or closes it while it has nothing to do. */
  #timer: NodeJS.Timeout | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #isHeard = true;
  #isPinged = false;

  constructor(request: SubgraphRequest, options: SocketOptions, onEnd: (isFault: boolean) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.#timer = setTimeout(() => this.end('timeout'), options.timeout);
    this.#connect(request).catch((error: unknown) => this.end(failureOfSigning(error), error));
  }

  /** Whether it takes another subscription. */
  get hasRoom(): boolean {
    return this.#state !== 'ended' && this.#subscriptions.size < this.#options.dialect.most;
  }

  /** Resolves when the subgraph has accepted it, or has refused it in GraphQL. */
  open(request: SubgraphRequest): Promise<OpenedSubscription> {
    const { subgraph, timeout, pending, bounds, onDropped } = this.#options;
    return new Promise((resolve, reject) => {
      const id = String(++this.#lastId);
      const queue = new EventQueue({ subgraph, bounds, onClose: () => this.#leave(subscription), onDropped });
      const subscription: SocketSubscription = {
        ...{ id, request, queue, caller: request.caller, indexInSet: -1, isSent: false, isAccepted: false },
        expires: performance.now() + timeout,
        accept: () => {
          if (subscription.isAccepted) return;
          subscription.isAccepted = true;
          pending.delete(subscription);
          resolve({ status: 200, source: queue });
        },
        fail: (failure, cause) => {
          pending.delete(subscription);
          if (subscription.isAccepted) queue.fail(failure, cause);
          else reject(new TransportError(subgraph, failure, cause));
        },
        giveUp: (failure) => {
          subscription.fail(failure);
          this.#leave(subscription);
        },
      };
      this.#subscriptions.set(id, subscription);
      const failure = pending.add(subscription);
      if (failure !== undefined) subscription.giveUp(failure);
      else if (this.#state === 'ready') this.#start(subscription);
    });
  }

  /** Ends it, and all that goes over it. */
  end(failure: TransportFailure, cause?: unknown): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    const isFault = faults.has(failure);
    // Of several subscriptions it is not known whose message it was: each is opened again on a connection of its own.
    const reported = isFault && subscriptions.length > 1 ? 'interrupted' : failure;
    this.#onEnd(isFault);
    for (const subscription of subscriptions) subscription.fail(reported, cause);
    // A socket that is being closed sends the reason to the subgraph.
    if (this.#socket?.readyState !== this.#socket?.CLOSING) this.#socket?.terminate();
  }

  async #connect({ caller }: SubgraphRequest): Promise<void> {
    const { dialect, connect, maxResponseSize } = this.#options;
    const { url, protocols, headers, init } = await dialect.handshake(caller);
    if (this.#state === 'ended') return;
    // Loaded only where a subgraph is connected to so.
    const { WebSocket: Socket } = require('ws') as typeof Ws;
    const socket = new Socket(url.href.replace(/^http/, 'ws'), [...protocols], {
      headers,
      createConnection: connectionBy(connect, url),
      perMessageDeflate: false,
      // One message in a turn of the event loop: an event that thousands get takes long, and many may come at once.
      allowSynchronousEvents: false,
      // The rest of the message is short.
      maxPayload: maxResponseSize + 1024,
      followRedirects: false,
      closeTimeout,
    } as object);
    this.#socket = socket;
    socket.on('error', (error) => this.end(failureOfSocket(error), error));
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      this.end(
        isTemporary(statusCode) ? 'interrupted' : 'not-accepted',
        new Error(`The upgrade was answered with HTTP status ${statusCode}.`),
      );
    });
    socket.on('open', () => {
      if (socket.protocol === protocols[0]) socket.send(init);
      else this.end('not-accepted', new Error('The sub-protocol was not accepted.'));
    });
    socket.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', () => (this.#isHeard = true));
    socket.on('pong', () => (this.#isHeard = true));
    socket.on('close', (code, reason) =>
      this.end(
        dialect.failureOf(code),
        new Error(`The connection was closed with ${code} ${reason.toString()}`),
      ),
    );
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#state === 'ended') return;
    this.#isHeard = true;
    let message: SubgraphMessage;
    try {
      if (isBinary) throw new SyntaxError('The message is binary.');
      message = this.#options.dialect.read(data);
    } catch (error) {
      this.#socket?.close(4400, 'Invalid message');
      this.end('malformed', error);
      return;
    }
    switch (message.is) {
      case 'ready':
        this.#ready(message.silence);
        break;
      case 'ping':
        this.#send(this.#options.dialect.pong!);
        break;
      case 'alive':
        break;
      case 'closed':
        this.end(message.failure, new Error(message.reason));
        break;
      default:
        this.#hand(message);
    }
  }

  /** A message for a subscription that has ended here is too late, and ignored. */
  #hand(message: Extract<SubgraphMessage, { readonly id: string }>): void {
    const subscription = this.#subscriptions.get(message.id);
    if (subscription === undefined) return;
    const { queue } = subscription;
    switch (message.is) {
      case 'accepted':
        subscription.accept();
        break;
      case 'event':
        queue.push(eventOf(message.body));
        break;
      case 'refused':
        subscription.accept();
        queue.push(eventOf(message.body));
        this.#complete(subscription);
        break;
      case 'complete':
        subscription.accept();
        this.#complete(subscription);
        break;
    }
  }

  #complete(subscription: SocketSubscription): void {
    subscription.isSent = false;
    subscription.queue.complete();
    this.#leave(subscription);
  }

  #ready(silence: number | undefined): void {
    if (this.#state !== 'opening') return;
    this.#state = 'ready';
    clearTimeout(this.#timer);
    const { heartbeat, dialect } = this.#options;
    const interval = dialect.ping === undefined ? (silence ?? 0) : heartbeat;
    if (interval > 0) this.#heartbeat = setInterval(() => this.#beat(), interval).unref();
    for (const subscription of this.#subscriptions.values()) this.#start(subscription);
    if (this.#subscriptions.size === 0) this.#closeWhenUnused();
  }

  #beat(): void {
    const { ping } = this.#options.dialect;
    if (this.#isHeard) this.#isPinged = false;
    else if (this.#isPinged || ping === undefined) {
      this.end('silent');
      return;
    } else {
      this.#isPinged = true;
      if (ping === null) this.#socket?.ping();
      else this.#send(ping);
    }
    this.#isHeard = false;
  }

  #start(subscription: SocketSubscription): void {
    const { dialect } = this.#options;
    const { id, request } = subscription;
    const send = (message: Buffer): void => {
      if (this.#state !== 'ready' || this.#subscriptions.get(id) !== subscription) return;
      this.#send(message);
      subscription.isSent = true;
      if (!dialect.acknowledges) subscription.accept();
    };
    const message = dialect.start(id, request);
    if (!('then' in message)) send(message);
    else
      message.then(send).catch((error: unknown) => {
        subscription.fail(failureOfSigning(error), error);
        this.#leave(subscription);
      });
  }

  #leave(subscription: SocketSubscription): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    if (this.#state !== 'ready') return;
    if (subscription.isSent) this.#send(this.#options.dialect.stop(subscription.id));
    if (this.#subscriptions.size === 0) this.#closeWhenUnused();
  }

  #closeWhenUnused(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#subscriptions.size > 0) return;
      this.#state = 'ended';
      clearInterval(this.#heartbeat);
      this.#onEnd(false);
      this.#socket?.close(normalClosure);
    }, this.#options.keepAlive);
  }

  #send(message: string | Buffer): void {
    this.#socket?.send(message, { binary: false });
  }
}

/** Milliseconds that a subgraph has to answer the close of a connection. */
const closeTimeout = 5_000;

/** What a subgraph must not send: it would send it again. */
const faults = new Set<TransportFailure>(['too-large', 'malformed']);

/** Has a WebSocket go over a connection that is opened as those of calls are. */
const connectionBy =
  (connect: buildConnector.connector, { protocol, hostname, host, port }: URL) =>
  (_options: unknown, opened: (error: Error | null, socket?: unknown) => void): undefined => {
    connect({ protocol, hostname, host, port }, (error, socket) => {
      if (error === null) opened(null, socket);
      else opened(error);
    });
  };

function failureOfSocket(error: Error): TransportFailure {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (tooLarge.has(code)) return 'too-large';
  return code.startsWith('WS_ERR_') ? 'malformed' : failureOfNetwork(error);
}

/** Codes of `ws`: of a message, or of the pieces that it comes in. */
const tooLarge = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);
