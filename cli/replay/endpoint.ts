import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { awsAgents } from '../../gateway/net/outgoing';
import type { EndpointAnswer, EndpointFailure } from '../../gateway/replay/compare';
import type { EndpointFigures } from '../../gateway/replay/report';
import { secretsIn } from '../header-variables';
import type { ReplayRequest } from './requests';

export interface EndpointOptions {
  readonly url: URL;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of requests of a HAR, those that are sent: names in lower case. */
  readonly kept: readonly string[];
  /** Milliseconds for an answer. */
  readonly timeout: number;
}

export interface ReplayedAnswer extends EndpointFigures {
  readonly answer: EndpointAnswer | EndpointFailure;
}

/** One of the two endpoints. Redirects are answers, and are not followed: headers go nowhere else. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #agent: Agent;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const isHttps = options.url.protocol === 'https:';
    const { httpAgent, httpsAgent } = awsAgents();
    const byProxy = isHttps ? httpsAgent : httpAgent;
    this.#agent = byProxy ?? new (isHttps ? HttpsAgent : Agent)({ keepAlive: true });
  }

  /** Its URL without the query, which may hold a key. */
  get name(): string {
    const { origin, pathname } = this.#options.url;
    return `${origin}${pathname}`;
  }

  /** What of the headers of a request may be a secret. */
  secretsOf({ headers }: Pick<ReplayRequest, 'headers'>): string[] {
    const { headers: own, kept } = this.#options;
    return secretsIn([...own.values(), ...kept.flatMap((name) => headers.get(name) ?? [])]);
  }

  /** Never rejects, but where `signal` is aborted. */
  async send(request: Omit<ReplayRequest, 'operation'>, signal: AbortSignal): Promise<ReplayedAnswer> {
    const { timeout } = this.#options;
    const start = performance.now();
    // Neither `AbortSignal.timeout` nor `any`: of thousands of requests in a second, each would be held until its time is over.
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    signal.addEventListener('abort', abort);
    const limit = setTimeout(() => stop.abort(late), timeout);
    try {
      const response = await this.#request(request, stop.signal);
      const body = await read(response);
      const milliseconds = performance.now() - start;
      return { answer: { status: response.statusCode!, body }, milliseconds, calls: callsIn(body) };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      const failure =
        stop.signal.reason === late
          ? `no answer within ${timeout / 1000} s`
          : error instanceof TooLarge
            ? message
            : `no answer (${code ?? 'it ended'})`;
      return { answer: { failure }, milliseconds: undefined };
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', abort);
    }
  }

  #request(
    sent: Omit<ReplayRequest, 'operation'>,
    signal: AbortSignal,
    isAgain = false,
  ): Promise<IncomingMessage> {
    const { url, kept } = this.#options;
    const { body, search, headers } = sent;
    const method = body === undefined ? 'GET' : 'POST';
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(
        new URL(`${url.origin}${url.pathname}${joined(url.search, search)}`),
        {
          ...{ method, agent: this.#agent, signal },
          headers: {
            accept: 'application/graphql-response+json, application/json;q=0.9',
            ...Object.fromEntries(
              kept.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)!]] : [])),
            ),
            ...Object.fromEntries(this.#options.headers),
            // No page of another origin can send a GET with it: servers against CSRF let it through.
            ...(method === 'GET'
              ? { 'apollo-require-preflight': 'true' }
              : { 'content-type': 'application/json' }),
          },
        },
      );
      request.once('response', resolve);
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The endpoint has closed an idle connection just when it was used again.
        if (request.reusedSocket && error.code === 'ECONNRESET' && !isAgain)
          resolve(this.#request(sent, signal, true));
        else reject(error);
      });
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Why a request is aborted that takes too long. */
const late = new Error('late');

class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

async function read(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > largest) throw new TooLarge('an answer over 32 MiB');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const largest = 32 * 1024 * 1024;

const joined = (search: string, more = ''): string =>
  search === '' || more === '' ? search || more : `${search}&${more.slice(1)}`;

/** Requests to subgraphs, which Weir reports in development. */
function callsIn(body: string): number | undefined {
  // Most answers have none, and are then not parsed.
  if (!body.includes('"weir"')) return undefined;
  try {
    const { extensions } = JSON.parse(body) as { extensions?: { weir?: { calls?: { sent?: unknown } } } };
    const sent = extensions?.weir?.calls?.sent;
    return typeof sent === 'number' ? sent : undefined;
  } catch {
    return undefined;
  }
}
