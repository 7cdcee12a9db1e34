import { Agent, buildConnector, requestBy } from '../../gateway/net/undici';
import { connectByProxies } from '../../gateway/net/outgoing';
import { timeLimit } from '../../gateway/net/time-limit';
import type { EndpointAnswer, EndpointFailure } from '../../gateway/replay/compare';
import type { EndpointFigures } from '../../gateway/replay/report';
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
  readonly #agent: InstanceType<typeof Agent>;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const connect = buildConnector({ timeout: options.timeout });
    this.#agent = new Agent({ connect: connectByProxies(connect, options.timeout) });
  }

  /** Where it is, without what a URL may hold of secrets. */
  get name(): string {
    return nameOf(this.#options.url);
  }

  /** Never rejects, but where `signal` is aborted. */
  async send(
    { body, search, headers }: Omit<ReplayRequest, 'operation'>,
    signal: AbortSignal,
  ): Promise<ReplayedAnswer> {
    const { url, timeout, kept } = this.#options;
    const start = performance.now();
    const limit = timeLimit(timeout);
    try {
      const { statusCode, body: answered } = await requestBy(this.#agent, {
        ...{ origin: url.origin, path: `${url.pathname}${joined(url.search, search)}` },
        ...(body === undefined ? { method: 'GET' } : { method: 'POST', body }),
        headers: {
          ...Object.fromEntries(
            kept.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)!]] : [])),
          ),
          ...Object.fromEntries(this.#options.headers),
          ...fixedHeaders,
          // No page of another origin can send a GET with it: servers against CSRF let it through.
          ...(body === undefined
            ? { 'apollo-require-preflight': 'true' }
            : { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.any([signal, limit]),
        ...{ headersTimeout: 0, bodyTimeout: 0 },
      });
      const text = await read(answered);
      const milliseconds = performance.now() - start;
      return { answer: { status: statusCode, body: text }, milliseconds, calls: callsIn(text) };
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = error as NodeJS.ErrnoException;
      const failure = limit.aborted
        ? `no answer within ${timeout / 1000} s`
        : error instanceof TooLarge
          ? message
          : `no answer (${code ?? 'it ended'})`;
      return { answer: { failure }, milliseconds: undefined };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A URL without its query and fragment, which may hold a key. */
export const nameOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`;

const fixedHeaders = { accept: 'application/graphql-response+json, application/json;q=0.9' };

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
