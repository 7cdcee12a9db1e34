/** Proxies for connections that the gateway opens: to subgraphs, issuers of tokens, sources of supergraphs, and AWS. */
import { Agent as HttpAgent, type AgentOptions, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { buildConnector as Connectors, Dispatcher } from 'undici';
import { Agent, buildConnector } from './undici';

/** The origin that a connection is for. */
interface ConnectionOrigin {
  readonly protocol: string;
  /** A name or an address, with or without the brackets of IPv6. */
  readonly hostname: string;
  /** Empty for the default of the protocol. */
  readonly port: string;
}

/** The proxy for a connection; undefined for a direct one. */
export type Proxies = (target: ConnectionOrigin) => URL | undefined;

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. The same names in lower case take precedence. Without `HTTPS_PROXY`
 * the other proxy is used for both, as curl and undici do. `NO_PROXY` lists hosts, which include their subdomains, with
 * or without a port; `*` is every host. Undefined without a proxy.
 *
 * @throws {RangeError} if one is not the URL of an HTTP proxy
 */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies | undefined {
  const read = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';
  const http = proxyIn('HTTP_PROXY', read('HTTP_PROXY'));
  const https = proxyIn('HTTPS_PROXY', read('HTTPS_PROXY')) ?? http;
  if (https === undefined) return undefined;
  const direct = read('NO_PROXY')
    .split(/[,\s]/)
    .filter((entry) => entry !== '')
    .map(readEntry);
  return (target) => {
    const isHttps = target.protocol === 'https:';
    const host = bare(target.hostname).toLowerCase();
    const port = target.port === '' ? (isHttps ? '443' : '80') : target.port;
    const isDirect = direct.some(
      (entry) =>
        (entry.port === '' || entry.port === port) &&
        (entry.host === '*' || host === entry.host || host.endsWith(`.${entry.host}`)),
    );
    return isDirect ? undefined : isHttps ? https : http;
  };
}

function proxyIn(name: string, value: string): URL | undefined {
  if (value === '') return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  // The value is not in the message, as it may contain a password.
  throw new RangeError(`The environment variable ${name} must be the http or https URL of a proxy.`);
}

function readEntry(entry: string): { readonly host: string; readonly port: string } {
  const colon = entry.lastIndexOf(':');
  const before = entry.slice(0, colon);
  // An IPv6 address has a port only after its brackets.
  const hasPort = colon > 0 && (before.endsWith(']') || !before.includes(':'));
  const host = bare(hasPort ? before : entry).toLowerCase();
  return { host: host.replace(/^\*?\./, ''), port: hasPort ? entry.slice(colon + 1) : '' };
}

const bare = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

let proxies: Proxies | undefined;
let forFetch: Dispatcher | undefined;
let forAws: AwsAgents | undefined;

/**
 * Opens all connections through these proxies from now on. The proxies are global to the process, like its environment:
 * code that opens connections asks for them here.
 */
export function useProxies(used: Proxies | undefined): void {
  proxies = used;
  forFetch = forAws = undefined;
}

/**
 * A connector that opens a tunnel if there is a proxy for the connection.
 *
 * @param timeout in milliseconds
 * @param address where the tunnel ends. @default at the host of the connection
 */
export function connectByProxies(
  connect: Connectors.connector,
  timeout: number,
  address?: string,
): Connectors.connector {
  return (target, callback) => {
    const proxy = proxies?.(target);
    if (proxy === undefined) {
      connect(target, callback);
      return;
    }
    openTunnel(proxy, { ...target, hostname: address ?? target.hostname }, timeout).then(
      (socket) => {
        if (target.protocol === 'https:') connect({ ...target, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => callback(error as Error, null),
    );
  };
}

/** A tunnel to an origin, if there is a proxy for it. */
export async function tunnelTo(target: URL): Promise<Socket | undefined> {
  const proxy = proxies?.(target);
  return proxy && openTunnel(proxy, target, tunnelTimeout);
}

/**
 * The global `fetch`, through the proxy if there is one. It accepts our dispatcher, though its types demand that of
 * Node's own undici.
 */
export const fetchOutgoing = (url: string, init: RequestInit): Promise<Response> =>
  fetch(url, { ...init, ...(outgoingDispatcher() as object) });

/** The `dispatcher` option for undici's `request`. Empty without a proxy. */
export function outgoingDispatcher(): { readonly dispatcher?: Dispatcher } {
  if (proxies === undefined) return {};
  const connect = connectByProxies(buildConnector({ timeout: tunnelTimeout }), tunnelTimeout);
  return { dispatcher: (forFetch ??= new Agent({ connect })) };
}

interface AwsAgents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** The agent options for request handlers of the AWS SDK. Empty without a proxy. */
export function awsAgents(): Partial<AwsAgents> {
  if (proxies === undefined) return {};
  const options: AgentOptions = { keepAlive: true, maxSockets: 50 };
  return (forAws ??= { httpAgent: new HttpTunnels(options), httpsAgent: new HttpsTunnels(options) });
}

type ConnectCallback = (error: Error | null, socket?: Duplex) => void;
type AgentConnectOptions = Parameters<HttpAgent['createConnection']>[0] &
  Parameters<HttpsAgent['createConnection']>[0];

class HttpTunnels extends HttpAgent {
  override createConnection(
    options: AgentConnectOptions,
    created: ConnectCallback,
  ): Duplex | null | undefined {
    const target = targetOf('http:', options);
    const proxy = proxies?.(target);
    if (proxy === undefined) return super.createConnection(options, created);
    openTunnel(proxy, target, tunnelTimeout).then((socket) => created(null, socket), created);
    return undefined;
  }
}

class HttpsTunnels extends HttpsAgent {
  override createConnection(
    options: AgentConnectOptions,
    created: ConnectCallback,
  ): Duplex | null | undefined {
    const target = targetOf('https:', options);
    const proxy = proxies?.(target);
    if (proxy === undefined) return super.createConnection(options, created);
    openTunnel(proxy, target, tunnelTimeout).then(
      (socket) => created(null, connectTls({ ...(options as ConnectionOptions), socket })),
      created,
    );
    return undefined;
  }
}

const targetOf = (protocol: string, { host, port }: AgentConnectOptions): ConnectionOrigin => ({
  protocol,
  hostname: host ?? 'localhost',
  port: String(port ?? ''),
});

/** Milliseconds to open a tunnel. */
const tunnelTimeout = 10_000;

/**
 * Opens a tunnel with `CONNECT` (RFC 9110, section 9.3.6). It is used for http URLs, too, so that there is one kind of
 * connection.
 */
function openTunnel(
  proxy: URL,
  { protocol, hostname, port }: ConnectionOrigin,
  timeout: number,
): Promise<Socket> {
  const host = bare(hostname);
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port || (protocol === 'https:' ? 443 : 80)}`;
  const request = (proxy.protocol === 'https:' ? requestHttps : requestHttp)({
    host: bare(proxy.hostname),
    ...(proxy.port !== '' && { port: proxy.port }),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...credentialsOf(proxy) },
    agent: false,
    timeout,
  });
  return new Promise((resolve, reject) => {
    request.once('connect', ({ statusCode = 0 }, socket, head) => {
      if (statusCode >= 200 && statusCode < 300) {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket.setNoDelay(true));
      } else {
        socket.destroy();
        reject(new Error(`The proxy ${proxy.host} opens no tunnel to ${authority}: status ${statusCode}.`));
      }
    });
    request.once('timeout', () =>
      request.destroy(
        Object.assign(new Error(`The proxy ${proxy.host} did not answer in time.`), { code: 'ETIMEDOUT' }),
      ),
    );
    request.once('error', reject);
    request.end();
  });
}

function credentialsOf({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}
