/**
 * The listener of HTTP callbacks: `callback/1.0`, Apollo's HTTP callback protocol. Over 300 lines: the protocol, who may
 * speak it, and where it ends up are checked in one order.
 */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { JsonParts } from '../wire/json-parts';
import { KeptBytes } from '../wire/kept-bytes';
import type { VerifyCallback } from '../signers/signed-callback';
import type { TransportFailure } from '../contract/transport';
import type { EventQueue } from './event-queue';
import { eventOf } from './events';
import { mostMissed } from './heartbeat';

export interface CallbacksOptions {
  /** The address to listen on. */
  readonly host: string;
  /** The port; 0 takes a free one. */
  readonly port: number;
  /** How many ports from there on are tried, until one is free. @default 1 */
  readonly ports?: number | undefined;
  readonly path: string;
  /** How subgraphs reach it; `{port}` stands for the port. */
  readonly publicUrl: string;
  /**
   * A secret of the processes of this gateway: each passes on callbacks that are for another one of them.
   *
   * @default undefined: there are no others
   */
  readonly key?: string | undefined;
  /** Milliseconds until a callback must have come whole. @default 30000 */
  readonly requestTimeout?: number | undefined;
}

/** A subscription whose events come by callbacks. */
export interface CalledBack {
  readonly queue: EventQueue;
  /** Bytes of the largest callback. */
  readonly maxResponseSize: number;
  /** Milliseconds between two signs of life; 0: none are awaited. */
  readonly heartbeat: number;
  /** Undefined where callbacks are not signed. */
  readonly verify: VerifyCallback | undefined;
  /** Ends it, and takes its callbacks no more. */
  readonly fail: (failure: TransportFailure) => void;
  /** Takes its callbacks no more: the subgraph has completed it. */
  readonly end: () => void;
}

/** What the subgraph gets for a subscription, in the protocol's members. */
export interface CallbackAddress {
  readonly callbackUrl: string;
  readonly subscriptionId: string;
  readonly verifier: string;
}

export interface RegisteredCallback extends CallbackAddress {
  /** Whether the subgraph has called back. */
  readonly isChecked: boolean;
  /** From then on its callbacks get 404. */
  remove(): void;
}

/** Takes the callbacks of subgraphs. One per process: it outlives options. */
export class Callbacks {
  readonly #options: CallbacksOptions;
  readonly #subscriptions = new Map<string, CallbackEntry>();
  readonly #server: Server;
  /** At the first port, once the process is gone that had it. */
  readonly #front: Server;
  /** Until it tries to listen there again. */
  #standby: NodeJS.Timeout | undefined;
  #listening: Promise<void> | undefined;
  /** Fails silent subscriptions. Undefined while there are none. */
  #watch: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: CallbacksOptions) {
    this.#options = options;
    this.#server = this.#createServer();
    this.#front = this.#createServer();
  }

  #createServer(): Server {
    const { requestTimeout = 30_000 } = this.#options;
    // Node looks every 30 s by default.
    const limits = { requestTimeout, connectionsCheckingInterval: 1000 };
    const server = createServer(limits, (request, response) => {
      this.#take(request).then(
        (status) => answer(response, status),
        () => request.destroy(),
      );
    });
    // Subgraphs send heartbeats over the connections that they have.
    server.keepAliveTimeout = 65_000;
    server.on('listening', () => {
      if (this.#isClosed) server.close();
      else server.unref();
    });
    return server;
  }

  /** Listens, if it does not yet. Rejects when it cannot; the next call tries again. Rejects once it is closed. */
  listen(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error('The listener of callbacks is closed.'));
    return (this.#listening ??= this.#listen().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    }));
  }

  register(subscription: CalledBack): RegisteredCallback {
    const { publicUrl, path } = this.#options;
    const { port } = this.#server.address() as AddressInfo;
    const id = this.#newId(port);
    const verifier = randomBytes(24).toString('base64url');
    const entry: CallbackEntry = { subscription, id, verifier, isChecked: false, heardAt: performance.now() };
    this.#subscriptions.set(id, entry);
    this.#watch ??= setInterval(() => {
      this.#checkSilence();
    }, 250).unref();
    return {
      callbackUrl: `${publicUrl.replace('{port}', String(port)).replace(/\/$/, '')}${path}/${id}`,
      subscriptionId: id,
      verifier,
      get isChecked() {
        return entry.isChecked;
      },
      remove: () => {
        this.#subscriptions.delete(id);
        if (this.#subscriptions.size === 0) this.#stopWatching();
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching();
    if (this.#listening === undefined) return;
    await this.#listening.catch(() => undefined);
    clearTimeout(this.#standby);
    await Promise.all([this.#server, this.#front].map(closeServer));
  }

  #stopWatching(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  async #listen(): Promise<void> {
    const { host, port, ports = 1 } = this.#options;
    for (let next = port; ; next++) {
      try {
        // Not shared with the other workers: a callback must reach the process that has its subscription.
        this.#server.listen({ host, port: next, exclusive: true });
        await once(this.#server, 'listening');
        if (next > port) this.#standBy();
        return;
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isTaken || port === 0 || next - port + 1 >= ports) throw error;
      }
    }
  }

  /** Where all callbacks come to the first port, one process after the other takes them there. */
  #standBy(): void {
    const { host, port, key, publicUrl } = this.#options;
    if (key === undefined || publicUrl.includes('{port}')) return;
    const later = (): void => {
      if (this.#isClosed || this.#front.listening) return;
      this.#standby = setTimeout(
        () => this.#front.listen({ host, port, exclusive: true }),
        standbyPause,
      ).unref();
    };
    this.#front.on('error', later);
    later();
  }

  /** With a `key` it names the process that has the subscription, and proves that it is from one of them. */
  #newId(port: number): string {
    const { key } = this.#options;
    if (key === undefined) return randomUUID();
    const signed = `${port}.${randomUUID()}`;
    return `${signed}.${signature(key, signed)}`;
  }

  /** The port of the other process that made this id; undefined where none did. */
  #portOf(id: string): number | undefined {
    const { key } = this.#options;
    const end = id.lastIndexOf('.');
    const signed = id.slice(0, Math.max(0, end));
    if (key === undefined || !isEqual(id.slice(end + 1), signature(key, signed))) return undefined;
    const port = Number(signed.slice(0, signed.indexOf('.')));
    const own = [this.#server, this.#front].map((server) => (server.address() as AddressInfo | null)?.port);
    return own.includes(port) ? undefined : port;
  }

  /** Takes one callback. Resolves with the status of its answer. */
  async #take(request: IncomingMessage): Promise<number> {
    const { path, host } = this.#options;
    const { method, url = '', headers } = request;
    if (!url.startsWith(`${path}/`)) return 404;
    const id = url.slice(path.length + 1);
    const entry = this.#subscriptions.get(id);
    if (entry === undefined) {
      const port = this.#portOf(id);
      return port === undefined ? 404 : passOn(request, { host: loopbacks.get(host) ?? host, port });
    }
    if (method !== 'POST') return 405;
    const { subscription } = entry;
    const verified = subscription.verify?.(headers);
    if (subscription.verify !== undefined && verified === undefined) return 401;
    if (verified === 'busy') return 503;
    // The rest of a callback is short.
    const { bytes, isWhole } = await readBody(request, subscription.maxResponseSize + 1024);
    if (isWhole && verified?.isBody(bytes) === false) return 401;
    // It may have ended while the body came.
    if (!this.#subscriptions.has(entry.id)) return 404;
    if (isWhole) return this.#act(entry, readCallback(bytes));
    const { callback } = readMembers(bytes.subarray(0, mostOfHead));
    if (verified !== undefined || isOf(entry, callback)) subscription.fail('too-large');
    return 413;
  }

  #act(entry: CallbackEntry, callback: Callback | undefined): number {
    if (callback?.kind !== 'subscription' || callback.id !== entry.id) return 400;
    if (!isOf(entry, callback)) return 401;
    const { queue } = entry.subscription;
    entry.heardAt = performance.now();
    switch (callback.action) {
      case 'check':
        entry.isChecked = true;
        return 204;
      case 'next':
        if (callback.payload === undefined) return 400;
        queue.push(eventOf(callback.payload));
        // Its reader may have left, or events come too fast.
        return queue.hasEnded ? 404 : 204;
      case 'complete':
        complete(entry.subscription, callback.errors);
        return 204;
      default:
        return 400;
    }
  }

  #checkSilence(): void {
    const now = performance.now();
    for (const { subscription, heardAt } of this.#subscriptions.values()) {
      const { heartbeat } = subscription;
      if (heartbeat > 0 && now - heardAt > mostMissed * heartbeat) subscription.fail('silent');
    }
  }
}

interface CallbackEntry {
  readonly subscription: CalledBack;
  readonly id: string;
  readonly verifier: string;
  isChecked: boolean;
  heardAt: number;
}

/** Whether whoever sent it knows the subscription. */
const isOf = ({ id, verifier }: CallbackEntry, callback: Callback): boolean =>
  callback.id === id && isEqual(callback.verifier ?? '', verifier);

interface Callback {
  readonly kind?: string | undefined;
  readonly action?: string | undefined;
  readonly id?: string | undefined;
  readonly verifier?: string | undefined;
  /** As they came. */
  readonly payload?: Buffer | undefined;
  readonly errors?: Buffer | undefined;
}

/** Undefined for what is no callback. */
function readCallback(body: Buffer): Callback | undefined {
  const { callback, isWhole } = readMembers(body);
  return isWhole ? callback : undefined;
}

/** The members up to the end, or to what is no JSON. */
function readMembers(body: Buffer): { readonly callback: Callback; readonly isWhole: boolean } {
  const read: { -readonly [Name in keyof Callback]: Callback[Name] } = {};
  try {
    const parts = new JsonParts(body);
    parts.object((name) => {
      const value = parts.value();
      if (name === 'payload' || name === 'errors') read[name] = value;
      else if (name === 'kind' || name === 'action' || name === 'id' || name === 'verifier') {
        const text: unknown = JSON.parse(value.toString());
        if (typeof text === 'string') read[name] = text;
      }
    });
    parts.end();
    return { callback: read, isWhole: true };
  } catch {
    return { callback: read, isWhole: false };
  }
}

function complete({ queue, fail, end }: CalledBack, errors: Buffer | undefined): void {
  if (errors !== undefined && isGoingDown(errors)) {
    fail('interrupted');
    return;
  }
  if (errors !== undefined)
    queue.push(eventOf(Buffer.concat([Buffer.from('{"errors":'), errors, Buffer.from('}')])));
  queue.complete();
  end();
}

/** Whether the errors only say that the subgraph is stopping, as the kit for subgraphs does: another process may go on. */
function isGoingDown(errors: Buffer): boolean {
  try {
    const list = JSON.parse(errors.toString()) as { extensions?: { code?: unknown } }[];
    return list.length > 0 && list.every(({ extensions }) => extensions?.code === 'UNAVAILABLE');
  } catch {
    return false;
  }
}

/** Milliseconds between two attempts to listen at the first port. */
const standbyPause = 500;

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

const signature = (key: string, text: string): string =>
  createHmac('sha256', key).update(text).digest('base64url');

/** Where a process is reached that listens at all addresses. */
const loopbacks = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Has another process answer. 404 when it is gone, and its subscriptions with it. */
function passOn(
  request: IncomingMessage,
  to: { readonly host: string; readonly port: number },
): Promise<number> {
  const { method, url: path, headers } = request;
  return new Promise((resolve) => {
    const passed = httpRequest({ ...to, method, path, headers, timeout: 30_000 });
    passed.on('response', (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    const fail = (error: NodeJS.ErrnoException | null | undefined): void => {
      if (error) resolve(error.code === 'ECONNREFUSED' ? 404 : 503);
    };
    passed.on('timeout', () => passed.destroy());
    passed.on('error', fail);
    pipeline(request, passed, fail);
  });
}

/** In constant time for texts of one length. */
function isEqual(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Bytes in which the verifier of a callback must come that is too large. */
const mostOfHead = 16 * 1024;

/** The body; of one that is larger than `most` bytes only the beginning. */
async function readBody(
  request: IncomingMessage,
  most: number,
): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  const isTooLarge = Number(request.headers['content-length'] ?? 0) > most;
  const limit = isTooLarge ? mostOfHead : most;
  const body = new KeptBytes(Buffer.alloc(0), 0);
  for await (const piece of request as AsyncIterable<Buffer>) {
    body.append(piece);
    if (body.length > limit) return { bytes: body.bytes, isWhole: false };
  }
  return { bytes: body.bytes, isWhole: !isTooLarge };
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, {
    'subscription-protocol': 'callback/1.0',
    // A body that was not read is not waited for.
    ...(status >= 400 && { connection: 'close' }),
  });
  response.end();
}
