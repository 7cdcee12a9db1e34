import type * as SourceSchemas from '../../schema/supergraph/sources/source-schema';
import type { SubgraphSource } from '../../schema/supergraph/sources/sources-of';
import type { ServiceGraph } from './api';
import type { CallPairs } from './call-report';
import { joined } from './call-totals';
import { describeCalls, type LiveParts } from './live';
import { round } from './figures';

/** What one process knows of its services, as plain data: it crosses processes. */
export type ServiceGraphParts = readonly ServiceParts[];

interface ServiceParts {
  readonly name: string;
  readonly link?: 'private' | 'appsync';
  readonly source?: SourceKind;
  readonly endpoints: readonly EndpointFigures[];
}

interface EndpointFigures {
  readonly url: string;
  readonly zone?: string;
  readonly isOpen: boolean;
  /** The gateways that know it, and those of them whose circuit breaker is open; left out where there is one gateway. */
  readonly knownTo?: readonly string[];
  readonly openAt?: readonly string[];
}

type SourceKind = SourceSchemas.SourceSchema['kind'];

export interface RunningService {
  readonly name: string;
  /** Undefined for a federation subgraph. */
  readonly source?: Pick<SubgraphSource, 'schema'> | undefined;
  readonly isAppSync: boolean;
  readonly hasPrivateLink: boolean;
  readonly endpoints: readonly { readonly url: string; readonly zone?: string | undefined }[];
}

export interface GraphSources {
  readonly services: readonly RunningService[];
  /** Whether the circuit breaker of an endpoint is open. */
  readonly isOpen: (endpoint: { readonly subgraph: string; readonly url: string }) => boolean;
}

export const graphParts = ({ services, isOpen }: GraphSources): ServiceGraphParts =>
  services.map(({ name, source, isAppSync, hasPrivateLink, endpoints }) => ({
    name,
    ...(source !== undefined && { source: kindOf(source) }),
    ...(isAppSync ? { link: 'appsync' as const } : hasPrivateLink && { link: 'private' as const }),
    endpoints: endpoints.map(({ url, zone }) => ({
      url: withoutSecrets(url),
      ...(zone !== undefined && { zone }),
      isOpen: isOpen({ subgraph: name, url }),
    })),
  }));

/** Read once for each source of a supergraph, as the page requests it again and again. */
const kinds = new WeakMap<Pick<SubgraphSource, 'schema'>, SourceKind>();

function kindOf(source: Pick<SubgraphSource, 'schema'>): SourceKind {
  let kind = kinds.get(source);
  if (kind === undefined) {
    // Loaded only if there is a source.
    const { readSourceSchema } =
      require('../../schema/supergraph/sources/source-schema') as typeof SourceSchemas;
    kinds.set(source, (kind = readSourceSchema(source.schema).kind));
  }
  return kind;
}

/** A URL without a user name, a password and a query, which may be secret. */
function withoutSecrets(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}

/** What the processes of a gateway know together: a breaker that is open in one of them is open. */
export function mergeGraphs(all: readonly ServiceGraphParts[]): ServiceGraphParts {
  return joined(all.flat(), ({ name }) => name, addService);
}

/** The same, noted to be what this gateway knows. */
export const graphOf = (gateway: string, services: ServiceGraphParts): ServiceGraphParts =>
  services.map(({ endpoints, ...service }) => ({
    ...service,
    endpoints: endpoints.map((each) => ({
      ...{ ...each, knownTo: [gateway], openAt: each.isOpen ? [gateway] : [] },
    })),
  }));

const addService = (one: ServiceParts, other: ServiceParts): ServiceParts => ({
  ...one,
  endpoints: joined([...one.endpoints, ...other.endpoints], ({ url }) => url, addEndpoint),
});

const addEndpoint = (one: EndpointFigures, other: EndpointFigures): EndpointFigures => ({
  ...one,
  isOpen: one.isOpen || other.isOpen,
  ...(one.knownTo && { knownTo: [...one.knownTo, ...(other.knownTo ?? [])] }),
  ...(one.openAt && { openAt: [...one.openAt, ...(other.openAt ?? [])] }),
});

type Pairs = Omit<CallPairs, 'pairs'>;

/**
 * The page *Graph*: who calls whom, in the last one or two minutes.
 *
 * @param pairs of services: in the last 15 minutes, and in the last one or two
 */
export function describeGraph(
  services: ServiceGraphParts,
  { recent, recentSeconds, tables }: LiveParts,
  pairs: { readonly report: Pairs; readonly recent: Pairs },
): ServiceGraph {
  const rateOf = (count: number): number => round(count / recentSeconds);
  const called = new Map(recent.services);
  const described = services.map(({ name, link, source, endpoints }) => {
    const numbers = called.get(name);
    const measured = numbers === undefined ? undefined : describeCalls(numbers);
    return {
      ...{ name, url: endpoints[0]!.url, breaker: breakerOf(endpoints) },
      ...(link !== undefined && { link }),
      ...(source !== undefined && { source }),
      rate: rateOf(measured?.calls ?? 0),
      errors: measured === undefined ? 0 : round(measured.errors / measured.calls),
      p50: measured?.p50 ?? null,
      p99: measured?.p99 ?? null,
      endpoints: endpoints.map(({ isOpen, ...rest }) => ({ ...rest, healthy: !isOpen })),
    };
  });
  const names = new Set(services.map(({ name }) => name));
  return {
    services: described,
    clients: clientsOf(recent.clients, tables.clients, rateOf),
    edges: [
      ...described.map(({ name, rate }) => ({ from: 'gateway', to: name, rate })),
      // Of an earlier supergraph there may be others.
      ...edgesOf(pairs).filter(({ from, to }) => names.has(from) && names.has(to)),
    ],
  };
}

function breakerOf(endpoints: ServiceParts['endpoints']): ServiceGraph['services'][number]['breaker'] {
  const open = endpoints.filter(({ isOpen }) => isOpen).length;
  if (open === 0) return 'closed';
  return open === endpoints.length ? 'open' : 'partly';
}

const mostClients = 6;

/** Clients by name, those of the last 15 minutes; the least frequent together, without a name. */
function clientsOf(
  recent: LiveParts['recent']['clients'],
  all: LiveParts['tables']['clients'],
  rateOf: (count: number) => number,
): ServiceGraph['clients'] {
  const byName = (table: typeof all): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const [key, [requests = 0]] of table) {
      const [name = ''] = key.split('\n');
      counts.set(name, (counts.get(name) ?? 0) + requests);
    }
    return counts;
  };
  const now = byName(recent);
  const names = [...byName(all)].sort(([, a], [, b]) => b - a).map(([name]) => name);
  const shown = names.length > mostClients ? names.slice(0, mostClients - 1) : names;
  const rest = names.slice(shown.length).reduce((sum, name) => sum + (now.get(name) ?? 0), 0);
  return [
    ...shown.map((name) => ({ name, count: 1, rate: rateOf(now.get(name) ?? 0) })),
    ...(shown.length === names.length
      ? []
      : [{ name: '', count: names.length - shown.length, rate: rateOf(rest) }]),
  ];
}

/** The calls between subgraphs, also those that were made before and are not made any more. */
function edgesOf({
  report,
  recent,
}: {
  readonly report: Pairs;
  readonly recent: Pairs;
}): ServiceGraph['edges'] {
  const now = new Map(recent.services.map(({ from, to, calls }) => [`${from}\n${to}`, calls]));
  const seconds = Math.max(1, (recent.at - recent.since) / 1000);
  return report.services
    .filter(({ from, to }) => from !== 'gateway' && from !== to)
    .map(({ from, to }) => ({ from, to, rate: round((now.get(`${from}\n${to}`) ?? 0) / seconds) }));
}
