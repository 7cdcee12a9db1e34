/**
 * Subscriptions whose events come in the response to a `POST`: event streams in the "distinct connections" mode of
 * `graphql-sse`, as its PROTOCOL.md has it, or parts by Apollo's multipart protocol. A request for callbacks is the same
 * `POST`, whose response has no events.
 */
import { MIMEType } from 'node:util';
import type { Dispatcher, Pool } from 'undici';
import { KeptBytes } from '../wire/kept-bytes';
import { failureOf } from '../wire/network-failure';
import type { PendingCall, PendingCalls } from '../sharing/pending-calls';
import { subscribeBody } from '../wire/request-body';
import { subjectTokenHeader } from '../header-rules';
import { failureOfSigning, type Signer } from '../contract/signer';
import {
  type Caller,
  type SubgraphRequest,
  TransportError,
  type TransportFailure,
} from '../contract/transport';
import type { EventFormat, EventListener, EventParser } from './event-formats';
import { type EventBounds, EventQueue } from './event-queue';
import { EventTooLarge } from './event-stream-parser';
import { eventOf } from './events';
import { mostMissed } from './heartbeat';
import type { OpenedSubscription } from './resume';

export interface EventStreamOptions {
  readonly subgraph: string;
  readonly format: EventFormat;
  readonly url: URL;
  readonly pool: Pool;
  /** Headers of every request. A client header of the same name is not forwarded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signer: Signer | undefined;
  /** Milliseconds until the subgraph must have accepted a subscription. */
  readonly timeout: number;
  /** Milliseconds in which the subgraph should send an event or a comment; 0: it need not. */
  readonly heartbeat: number;
  /** Bytes of the largest event. */
  readonly maxResponseSize: number;
  readonly bounds: EventBounds;
  readonly pending: PendingCalls;
  readonly onDropped: (count: number) => void;
}

/** Opens each subscription as a `POST` of its own, whose response has its events. Any other response is its one event. */
export function openEventStream(options: EventStreamOptions): {
  /** @param extensions of the GraphQL request */
  readonly open: (request: SubgraphRequest, extensions?: Extensions) => Promise<OpenedSubscription>;
  close(): void;
} {
  const streams = new Set<EventStreamCall>();
  return {
    open: (request, extensions = {}) =>
      new Promise((resolve, reject) => {
        const onEnd = (): void => void streams.delete(stream);
        const stream: EventStreamCall = new EventStreamCall(
          { request, extensions },
          options,
          { resolve, reject },
          onEnd,
        );
        streams.add(stream);
        stream.begin();
      }),
    close: () => {
      for (const stream of [...streams]) stream.giveUp('closed');
    },
  };
}

type Extensions = Readonly<Record<string, unknown>>;

interface ExtendedRequest {
  readonly request: SubgraphRequest;
  readonly extensions: Extensions;
}

interface OpeningWaiter {
  resolve(opened: OpenedSubscription): void;
  reject(error: TransportError): void;
}

/** One request, and the handler of its response. */
class EventStreamCall implements Dispatcher.DispatchHandler, PendingCall {
  readonly caller: Caller;
  readonly expires: number;
  indexInSet = -1;
  readonly #request: ExtendedRequest;
  readonly #options: EventStreamOptions;
  readonly #waiter: OpeningWaiter;
  readonly #onEnd: () => void;
  readonly #queue: EventQueue;
  #parser: EventParser | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  /** What has come, and waits for its turn. */
  readonly #acts: (() => void)[] = [];
  #isOpen = false;
  #hasEnded = false;
  #status = 0;
  /** Of a response that has no events. */
  #body: KeptBytes | undefined;

  constructor(
    request: ExtendedRequest,
    options: EventStreamOptions,
    waiter: OpeningWaiter,
    onEnd: () => void,
  ) {
    const { subgraph, bounds, onDropped, timeout } = options;
    this.caller = request.request.caller;
    this.expires = performance.now() + timeout;
    this.#request = request;
    this.#options = options;
    this.#waiter = waiter;
    this.#onEnd = onEnd;
    this.#queue = new EventQueue({ subgraph, bounds, onDropped, onClose: () => this.#end() });
  }

  begin(): void {
    const failure = this.#options.pending.add(this);
    if (failure === undefined)
      this.#send().catch((error: unknown) => this.#fail(failureOfSigning(error), error));
    else this.giveUp(failure);
  }

  giveUp(failure: TransportFailure): void {
    this.#fail(failure);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(left);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // An informational response: the response itself follows.
    if (status < 200) return;
    this.#status = status;
    // `graphql-sse` sends "none", which is no encoding.
    const encoding = String(headers['content-encoding'] ?? 'none');
    if (encoding !== 'none' && encoding !== 'identity') {
      this.#fail('encoding');
      return;
    }
    const type = typeOf(headers['content-type']);
    const { format, maxResponseSize } = this.#options;
    const { events } = format;
    if (status !== 200 || type === undefined || events === undefined || type.essence !== events.essence) {
      this.#body = new KeptBytes(nothing, 0);
      return;
    }
    try {
      this.#parser = events.parser(type, maxResponseSize, this.#listener);
      this.#accept();
    } catch (error) {
      this.#fail('malformed', error);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#hasEnded) return;
    try {
      if (this.#body === undefined) {
        this.#parser?.push(piece);
        return;
      }
      this.#body.append(piece);
      if (this.#body.length > this.#options.maxResponseSize) this.#fail('too-large');
    } catch (error) {
      this.#inTurn(() => this.#fail(error instanceof EventTooLarge ? 'too-large' : 'malformed', error));
    }
  }

  onResponseEnd(): void {
    if (this.#body === undefined) {
      // Only `complete`, or the last delimiter, is the end.
      this.#inTurn(() => this.#fail('interrupted'));
      return;
    }
    this.#queue.push(eventOf(this.#body.bytes, { status: this.#status }));
    this.#accept();
    this.#complete();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const failure = failureOf(error);
    this.#inTurn(() => this.#fail(this.#isOpen && failure === 'reset' ? 'interrupted' : failure, error));
  }

  readonly #listener: EventListener = {
    onEvent: (body) => this.#inTurn(() => this.#queue.push(eventOf(body))),
    onFailure: (errors) => this.#inTurn(() => this.#fail('interrupted', new Error(errors.toString()))),
    onComplete: () => this.#inTurn(() => this.#complete()),
  };

  /** One in a turn of the event loop: of many events that come at once, each is read before the next one is there. */
  #inTurn(act: () => void): void {
    this.#acts.push(act);
    if (this.#acts.length > 1) return;
    this.#controller?.pause();
    setImmediate(this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#acts[0]!();
    this.#acts.shift();
    if (this.#acts.length > 0) setImmediate(this.#takeTurn);
    else this.#controller?.resume();
  };

  async #send(): Promise<void> {
    const { url, pool, headers: fixed, signer, heartbeat, format } = this.#options;
    const { request, extensions } = this.#request;
    const { caller } = request;
    const body = subscribeBody(request, extensions);
    const replaced = [...(signer?.headers ?? []), subjectTokenHeader];
    const own = Object.entries(caller.headers).filter(([name]) => !replaced.includes(name));
    const headers = {
      ...caller.tracing,
      ...Object.fromEntries(own),
      ...fixed,
      ...requestHeaders,
      accept: format.accept,
    };
    const signed = (await signer?.sign({ url, body, caller })) ?? [];
    for (let i = 0; i < signed.length; i += 2) Object.assign(headers, { [signed[i]!]: signed[i + 1]! });
    if (this.#hasEnded) return;
    const path = url.pathname + url.search;
    pool.dispatch({ path, method: 'POST', headers, body, bodyTimeout: mostMissed * heartbeat }, this);
  }

  #accept(): void {
    if (this.#isOpen || this.#hasEnded) return;
    this.#isOpen = true;
    this.#options.pending.delete(this);
    this.#waiter.resolve({ status: this.#status, source: this.#queue });
  }

  #complete(): void {
    this.#queue.complete();
    this.#end();
  }

  #fail(failure: TransportFailure, cause?: unknown): void {
    if (this.#hasEnded) return;
    if (this.#isOpen) this.#queue.fail(failure, cause);
    else this.#waiter.reject(new TransportError(this.#options.subgraph, failure, cause));
    this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.pending.delete(this);
    this.#controller?.abort(left);
    this.#onEnd();
  }
}

const requestHeaders = { 'content-type': 'application/json' };
const nothing = Buffer.alloc(0);
const left = new Error('The event stream was left.');

/** Undefined for what is no media type. */
function typeOf(header: string | string[] | undefined): MIMEType | undefined {
  try {
    return new MIMEType(String(header));
  } catch {
    return undefined;
  }
}
