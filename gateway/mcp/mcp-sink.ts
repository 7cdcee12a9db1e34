import type { ClientAnswer, Download, Sink, Upload } from '../request/sink';
import { headText } from '../http/answer-text';
import type { MessageEnd } from '../http/prepared-message';
import type { IncomingRequest } from '../request/incoming-request';
import { isMap } from '../options/is-map';
import { type GraphqlError, type Response, responseOf, sentencesOf } from './call-result';
import { contentOf, modernVersion, startOf } from './result-message';

/** JSON-RPC 2.0, section 5.1. */
export const rpcCodes = { parse: -32_700, request: -32_600, method: -32_601, params: -32_602, http: -32_000 };

/** An error of JSON-RPC that is no error of HTTP, or has a code of its own. */
export interface RpcRefusal {
  readonly code: number;
  /** @default that of the error */
  readonly status?: number;
}

/**
 * Where a request of an agent is answered. The pipeline answers in GraphQL: refusals become errors of JSON-RPC, and the
 * response to an operation goes to whoever awaits it. Nothing is answered in parts.
 */
export class McpSink implements Sink {
  isAnswered = false;
  readonly carriesParts = false;
  readonly events = undefined;
  readonly takesGaps = false;
  readonly incremental = undefined;
  readonly refusesInEvents = false;
  readonly messages = undefined;
  /** How the next refusal is sent. */
  refusal: RpcRefusal = { code: rpcCodes.http };
  readonly #request: Pick<IncomingRequest, 'head'>;
  readonly #http: Sink;
  readonly #scopesOfFirst: () => readonly string[];
  #onResponse: ((response: Response) => void) | undefined;
  #onHit: ((body: Buffer) => boolean) | undefined;
  #body: Buffer | undefined;

  /** @param scopesOfFirst what a challenge is to add: the scopes that a client without a token requests */
  constructor(request: Pick<IncomingRequest, 'head' | 'sink'>, scopesOfFirst: () => readonly string[]) {
    this.#request = request;
    this.#http = request.sink;
    this.#scopesOfFirst = scopesOfFirst;
  }

  get upload(): Upload | undefined {
    return this.#http.upload;
  }

  get download(): Download | undefined {
    return this.#http.download;
  }

  onBody(body: Buffer): void {
    this.#body = body;
  }

  /**
   * Has the response to the operation that is about to run. Called once at most.
   *
   * @param onHit has the body of a cached answer, and returns whether it was sent; else `onResponse` has it
   */
  awaitResponse(onResponse: (response: Response) => void, onHit: (body: Buffer) => boolean): void {
    this.#onResponse = onResponse;
    this.#onHit = onHit;
  }

  answerFromCache(body: Buffer): boolean {
    return this.#onHit?.(body) ?? false;
  }

  answer({ status, headers, body, release }: ClientAnswer): void {
    if (this.isAnswered) {
      release?.();
      return;
    }
    // What comes in parts is not requested.
    const text = typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString() : '';
    release?.();
    const onResponse = this.#onResponse;
    this.#onResponse = undefined;
    const response = responseOf(text);
    if (onResponse !== undefined && !isChallenge(status, headers)) onResponse(response);
    else this.#refuse(status, headers, response.errors);
  }

  #refuse(status: number, headers: readonly string[], errors: readonly GraphqlError[]): void {
    const message = messageIn(this.#body);
    const id = idOf(message);
    // What a model can act on is a result: it does not see errors of JSON-RPC.
    const isForModel =
      status === 429 || (status === 403 && this.#body !== undefined && !isChallenge(status, headers));
    if (isForModel && isMap(message) && message['method'] === 'tools/call') {
      const isModern = this.#request.head.headers['mcp-protocol-version'] === modernVersion;
      const content = contentOf({ isError: true, text: sentencesOf(errors) });
      this.send(200, headers, startOf({ id, isModern }) + content);
      return;
    }
    const { code, status: own = status } = this.refusal;
    const error = { code, message: errors[0]?.message ?? 'The request was refused.' };
    this.send(own, headers, JSON.stringify({ jsonrpc: '2.0', id, error }));
  }

  /** Sends the answer. @param headers of the request and of the refusal, of which those are kept that say more than the body */
  send(status: number, headers: readonly string[], body: string | Buffer, type = 'application/json'): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    const kept = keptOf(headers);
    if (status === 401) addScopes(kept, this.#scopesOfFirst());
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (bytes.length > 0) kept.push('content-type', type);
    kept.push(...notStored, 'content-length', String(bytes.length));
    this.#http.answer({ status, headers: kept, body: bytes });
  }

  /** Sends a prepared answer, and returns whether the system has taken all of it already; undefined where it cannot be sent. */
  sendPrepared(headers: readonly string[], start: string, end: MessageEnd): { isTaken: boolean } | undefined {
    const { messages } = this.#http;
    // Text in an id may have characters of several bytes.
    if (messages === undefined || this.isAnswered || Buffer.byteLength(start) !== start.length)
      return undefined;
    const length = ['content-length', String(start.length + end.length)];
    const head = headText(200, [messages.corsHeaders, keptOf(headers), ofJson, notStored, length]);
    const message = end.after(head + start);
    if (message === undefined) return undefined;
    this.isAnswered = true;
    return { isTaken: messages.sendMessage(200, message) };
  }
}

const ofJson = ['content-type', 'application/json'];
const notStored = ['cache-control', 'no-store'];
const keptHeaders: ReadonlySet<string> = new Set([
  ...['allow', 'ratelimit', 'ratelimit-policy', 'retry-after', 'server-timing'],
  ...['www-authenticate', 'x-request-id'],
]);

function keptOf(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (keptHeaders.has(headers[i]!)) kept.push(headers[i]!, headers[i + 1]!);
  return kept;
}

/** Whether the client is to come back with another token. */
const isChallenge = (status: number, headers: readonly string[]): boolean =>
  status === 401 || (status === 403 && headers.includes('www-authenticate'));

/** Adds scopes to a challenge that names none. */
function addScopes(headers: string[], scopes: readonly string[]): void {
  const at = headers.indexOf('www-authenticate') + 1;
  if (at === 0 || scopes.length === 0 || headers[at]!.includes('scope=')) return;
  headers[at] = `${headers[at]}, scope="${scopes.join(' ')}"`;
}

function messageIn(body: Buffer | undefined): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return undefined;
  }
}

function idOf(message: unknown): string | number | null {
  const id = isMap(message) ? message['id'] : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}
