import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { compileClientAddress } from './client-address';
import type { IncomingRequest, RequestHead } from '../request/incoming-request';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type { Options } from '../options';
import { HttpSink, type HttpSinkOptions } from './http-sink';

/** Begins a request that came over HTTP. It ends with its response, or when its client disconnects. */
export type BeginRequest = (message: IncomingMessage, response: ServerResponse) => Exchange;

/** A request, with its HTTP message and response. */
export interface Exchange {
  readonly request: IncomingRequest;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

export function createBeginRequest(
  { trustedProxies }: Pick<Options, 'trustedProxies'>,
  inFlight: RequestsInFlight,
  sinks: HttpSinkOptions,
): BeginRequest {
  const addressOf = compileClientAddress(trustedProxies);
  /** By connection: pipelined responses that wait for earlier ones. */
  const queued = new WeakMap<Socket, Set<BegunResponse>>();

  const end = (response: BegunResponse): void => {
    inFlight.end(response[requestKey]!, isAnswered(response) ? response.statusCode : undefined);
  };
  // One for all requests: a listener of its own for each costs more than what it does.
  function onClose(this: BegunResponse): void {
    end(this);
  }

  /** Follows a response that waits for earlier ones: when its client disconnects, Node emits `close` only for the first one. */
  function followQueued(request: IncomingRequest, response: BegunResponse): void {
    const { socket } = response.req;
    let queue = queued.get(socket);
    if (queue === undefined) {
      const created = new Set<BegunResponse>();
      queued.set(socket, (queue = created));
      socket.once('close', () => created.forEach(end));
    }
    queue.add(response);
    request.onEnd(() => queue.delete(response));
  }

  return (message, response: BegunResponse) => {
    const sink = new HttpSink(message, response, sinks);
    const request = inFlight.begin(message as RequestHead, addressOf(message), sink, performance.now());
    response[requestKey] = request;
    response.on('close', onClose);
    if (response.socket === null) followQueued(request, response);
    return { request, message, response };
  };
}

const requestKey = Symbol('request');

type BegunResponse = ServerResponse & { [requestKey]?: IncomingRequest };

/**
 * When a client resets an HTTP/2 stream, Node reports its response as finished, whatever was sent of it. So it does over
 * HTTP/1.1 when the connection is cut without an error.
 */
const isAnswered = (response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): boolean =>
  response.writableEnded &&
  response.writableFinished &&
  (response.stream === undefined ? !response.req.socket.destroyed : response.stream.rstCode === 0);
