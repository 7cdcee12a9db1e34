/** Where a subgraph is found, instead of the URL of an endpoint. */
import { isIP } from 'node:net';
import { z } from 'zod';

/** Where a subgraph is found. */
export interface Target {
  /** `static`: an http, https, ws or wss URL. */
  readonly kind: 'static' | 'dns' | 'dns+srv' | 'cloudmap';
  /** As it is written. */
  readonly text: string;
  /** The name whose addresses are looked up: of a host, of a service (`_graphql._tcp.stock.internal`), or of a namespace. */
  readonly name: string;
  /** The name of the service in Cloud Map; otherwise empty. */
  readonly service: string;
  /** What calls name as their host, and certificates are checked for, whatever the addresses are. */
  readonly host: string;
  /** The port of instances that name none; undefined without one. */
  readonly port: number | undefined;
  readonly protocol: 'http' | 'https';
  /** The path of every call. */
  readonly path: string;
  /** Of Cloud Map. Undefined: as the AWS SDK finds it. */
  readonly region: string | undefined;
  /** The URL of Cloud Map, where it is not that of AWS. */
  readonly endpoint: string | undefined;
}

const kinds: ReadonlySet<string> = new Set(['dns', 'dns+srv', 'cloudmap'] satisfies Target['kind'][]);
const forms =
  'must be an http or https URL, or a target such as dns://stock.internal:4001/graphql, dns+srv://_graphql._tcp.stock.internal/graphql or cloudmap://shop.internal/stock/graphql';

/** As JSON Schema can say it. */
export const subgraphUrlPattern =
  '^\\s*([hH][tT][tT][pP][sS]?|[dD][nN][sS](\\+[sS][rR][vV])?|[cC][lL][oO][uU][dD][mM][aA][pP]):';

/** The URL of a subgraph, or a target. */
export const subgraphUrl = z
  .string({ error: forms })
  .superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ title: 'URL', pattern: subgraphUrlPattern });

function problemOf(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return forms;
  if (url.protocol === 'http:' || url.protocol === 'https:') return undefined;
  if (!kinds.has(url.protocol.slice(0, -1))) return forms;
  const read = readTarget(text, url);
  return typeof read === 'string' ? read : undefined;
}

/** Reads what `subgraphUrl` has checked, or the URL of a WebSocket. */
export function targetOf(text: string): Target {
  const url = new URL(text);
  const { protocol, hostname: host, port, pathname, search } = url;
  if (kinds.has(protocol.slice(0, -1))) return readTarget(text, url) as Target;
  return {
    ...{ kind: 'static', text, host, name: host, service: '', path: pathname + search },
    protocol: protocol === 'http:' || protocol === 'ws:' ? 'http' : 'https',
    port: port === '' ? undefined : Number(port),
    ...{ region: undefined, endpoint: undefined },
  };
}

/** A target, or what is wrong with it. */
function readTarget(text: string, url: URL): Target | string {
  const kind = url.protocol.slice(0, -1) as Exclude<Target['kind'], 'static'>;
  const { hostname: name, searchParams, port } = url;
  if (url.username !== '' || url.password !== '') return 'must not hold a name or a password';
  if (!isName(name)) return 'must have the name of a host, and not an address';
  const known = kind === 'cloudmap' ? ['protocol', 'region', 'endpoint'] : ['protocol'];
  for (const each of searchParams.keys())
    if (!known.includes(each)) return `must not have the parameter "${each}": it takes ${known.join(', ')}`;
  const protocol = searchParams.get('protocol') ?? 'http';
  if (protocol !== 'http' && protocol !== 'https') return 'must have http or https as its `protocol`';
  const endpoint = searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !isHttpUrl(endpoint))
    return 'must have an http or https URL as its `endpoint`';
  const shared = {
    ...{ kind, text, name, endpoint, service: '', path: url.pathname || '/' },
    protocol: protocol,
    region: searchParams.get('region') ?? undefined,
    port: port === '' ? undefined : Number(port),
  } as const;
  switch (kind) {
    case 'dns':
      return { ...shared, host: name, port: shared.port ?? (protocol === 'https' ? 443 : 80) };
    case 'dns+srv': {
      const [, host] = /^_[^.]+\._[^.]+\.(.+)$/.exec(name) ?? [];
      if (host === undefined) return 'must name a service, such as _graphql._tcp.stock.internal';
      if (shared.port !== undefined) return 'must have no port: SRV records hold it';
      return { ...shared, host };
    }
    case 'cloudmap': {
      const [, service = '', ...path] = url.pathname.split('/');
      if (!isName(service)) return 'must name a service, such as cloudmap://shop.internal/stock';
      return { ...shared, service, path: `/${path.join('/')}`, host: `${service}.${name}` };
    }
  }
}

/** Of a host or a service, with underscores; numbers alone could be an address. */
const isName = (text: string): boolean =>
  text.length <= 253 &&
  text.split('.').every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label)) &&
  !/(^|\.)(\d+|0[xX][0-9a-fA-F]*)$/.test(text) &&
  isIP(text) === 0;

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
