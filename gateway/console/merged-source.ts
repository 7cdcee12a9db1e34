/** What the console shows of several processes and gateways. Over 300 lines: each kind of figures is merged here. */
import { requestError } from '../errors';
import { addShadows, type ShadowReport } from '../shadow/record';
import type { CallReport, RequestSummary } from './api';
import { addPairs, type CallPairs, reportOf } from './call-report';
import { addTotals } from './call-totals';
import type { GatewaySummary } from './gateway-summary';
import { describeErrors, mergeErrors, mostFrequent } from './describe-errors';
import { describeOperations, distributionOf, mergeOperations, mostUsed } from './describe-operations';
import type { ErrorParts } from './error-figures';
import { describeGraph, graphOf as graphAt, type ServiceGraphParts, mergeGraphs } from './graph';
import { describeLive, type LiveParts, mergeLive } from './live';
import type { OperationParts, Range } from './operation-figures';
import type { KnownGateways, OtherGateways } from './other-gateways';
import type { ConsoleSource, GatewayFilter, ProcessConsole, ReportFilter, RequestFilter } from './source';
import { mergeRefusals, withRemovals } from './refusals';
import { mostShared } from './shared-records';
import { matches } from './summary';
import { cachesOf, mergeCaches } from './caches';
import type { CachesView, StreamsView } from './caches-api';
import { mergeStreams } from './streams';
import { describeVersions, type LoadParts, mergeLoads, type VersionSource } from './versions';
import type { OptionsView, VersionsView } from './versions-api';

type Questions = ProcessConsole;
type ProcessAnswer<What extends keyof Questions> = Awaited<ReturnType<Questions[What]>>;

/**
 * Asks every process of a gateway. Resolves with what each answers, by its number; those that do not answer in time are left
 * out.
 */
export type AskAll = <What extends keyof Questions>(
  what: What,
  input: Parameters<Questions[What]>[0],
) => Promise<ReadonlyMap<number, ProcessAnswer<What>>>;

/** Asks any one process, for what all of them know. Resolves with undefined if none answers. */
export type AskOne = <What extends keyof Questions>(
  what: What,
  input: Parameters<Questions[What]>[0],
) => Promise<ProcessAnswer<What> | undefined>;

/** What one gateway has, all its processes together. */
export interface OwnGateway extends Pick<
  ProcessConsole,
  | ('requests' | 'request' | 'shared' | 'refusals' | 'operators' | 'schema' | 'removals')
  | ('caches' | 'streams' | 'loads' | 'versions' | 'difference')
> {
  readonly live: () => Promise<LiveParts>;
  readonly operations: (range: Range) => Promise<OperationParts>;
  readonly errors: () => Promise<ErrorParts>;
  readonly graph: () => Promise<ServiceGraphParts>;
  readonly report: (filter: ReportFilter) => Promise<CallReport>;
  readonly options: () => Promise<OptionsView>;
  readonly shadow: () => Promise<ShadowReport | undefined>;
}

/** What the process knows that has the port for operators, beside those that answer clients. */
export interface PrimaryConsole {
  /** What it has loaded itself. */
  readonly loads: () => LoadParts;
  readonly options: () => Promise<OptionsView>;
}

/** What all processes of a gateway have together. */
export function mergedGateway(askAll: AskAll, askOne: AskOne, primary: PrimaryConsole): OwnGateway {
  const list = async (what: 'requests' | 'shared', filter: RequestFilter): Promise<RequestSummary[]> => {
    const found = await askAll(what, filter);
    return newest([...found].flatMap(([worker, those]) => those.map((request) => ({ ...request, worker }))));
  };
  return {
    requests: (filter) => list('requests', filter),
    shared: () => list('shared', {}),
    async request(id) {
      const found = await askAll('request', id);
      const known = [...found].flatMap(([worker, request]) =>
        request === undefined ? [] : [{ ...request, worker }],
      );
      // The store has it, too, where several gateways share one.
      return known.find(({ gateway }) => gateway === undefined) ?? known[0];
    },
    refusals: async () => mergeRefusals(some(await askAll('refusals', undefined))),
    report: async (filter) => reportOf(addTotals(some(await askAll('report', filter)))),
    shadow: async () => addShadows(present(some(await askAll('shadow', undefined)))),
    live: async () => mergeLive(some(await askAll('live', undefined))),
    graph: async () => mergeGraphs(some(await askAll('graph', undefined))),
    operations: async (range) => mergeOperations(some(await askAll('operations', range)), range),
    errors: async () => mergeErrors(some(await askAll('errors', undefined))),
    operators: () => askOne('operators', undefined),
    schema: () => askOne('schema', undefined),
    removals: async (coordinates) => (await askOne('removals', coordinates)) ?? [],
    caches: async () => mergeCaches(some(await askAll('caches', undefined))),
    streams: async () => mergeStreams(some(await askAll('streams', undefined))),
    loads: async () => mergeLoads([primary.loads(), ...(await askAll('loads', undefined)).values()]),
    versions: async () => (await askOne('versions', undefined)) ?? noVersions,
    difference: (version) => askOne('difference', version),
    options: primary.options,
  };
}

/** What a gateway of a single process has. */
export const gatewayOf = (own: ProcessConsole, options: OwnGateway['options']): OwnGateway => ({
  ...{ ...own, options },
  report: async (filter) => reportOf(await own.report(filter)),
  shadow: async () => addShadows(present([await own.shadow()])),
});

/** What the console of a gateway shows. @param others undefined where gateways share no store */
export function consoleSource(own: OwnGateway, others?: Pick<OtherGateways, 'known'>): ConsoleSource {
  /** The gateways that are shown. */
  async function shown({ gateway: name }: GatewayFilter): Promise<ShownGateways> {
    if (others === undefined && name === undefined) return { own, ownName: undefined, others: [] };
    const known = await others?.known();
    const ownName = known?.view.own;
    const chosen = known?.others.filter((other) => name === undefined || other.name === name) ?? [];
    const isOwnShown = name === undefined || name === ownName;
    if (!isOwnShown && chosen.length === 0)
      throw requestError('NOT_FOUND', { reason: 'No gateway of this name shares the store now.' });
    return { own: isOwnShown ? own : undefined, ownName, others: chosen };
  }

  async function requests(filter: RequestFilter & GatewayFilter): Promise<RequestSummary[]> {
    const { own: answering, others: chosen } = await shown(filter);
    const found = (await answering?.requests(filter)) ?? [];
    const more = chosen.flatMap(({ name, requests: shared = [] }) =>
      shared.filter((request) => matches(request, filter)).map((each) => ({ ...each, gateway: name })),
    );
    return newest([...found, ...more]);
  }

  return {
    ...{ requests, report: own.report, difference: own.difference, options: own.options, shadow: own.shadow },
    gateways: async () => (await others?.known())?.view,
    async refusals() {
      const refusals = await own.refusals();
      const coordinates = refusals.groups.flatMap(({ coordinate }) => coordinate ?? []);
      return coordinates.length === 0
        ? refusals
        : withRemovals(refusals, await own.removals([...new Set(coordinates)]));
    },
    async request(id) {
      const found = await own.request(id);
      if (found === undefined) return undefined;
      const alike = found.operation ? await requests({ operation: found.operation.id }) : [];
      return { ...found, others: alike.filter((other) => other.id !== found.id).slice(0, mostOthers) };
    },
    async live(filter) {
      const all = await shown(filter);
      const [live, quarter, operations, operators] = await Promise.all([
        liveOf(all),
        pairsOf(all, 'quarter'),
        operationsOf(all, 'quarter'),
        own.operators(),
      ]);
      return {
        ...describeLive(live),
        chatty: quarter.pairs.slice(0, mostChatty),
        durations: distributionOf(operations),
        ...(operators && { operators }),
      };
    },
    async operations({ range = 'day', ...filter }) {
      return describeOperations(await operationsOf(await shown(filter), range), range);
    },
    async errors(filter) {
      const { own: answering, others: chosen } = await shown(filter);
      const parts = [
        ...(answering ? [await answering.errors()] : []),
        ...chosen.map(({ figures }) => figures.errors),
      ];
      return describeErrors(mergeErrors(parts));
    },
    async graph(filter) {
      const all = await shown(filter);
      const [graph, live, report, recent] = await Promise.all([
        graphOf(all),
        liveOf(all),
        pairsOf(all, 'quarter'),
        pairsOf(all, 'minute'),
      ]);
      return describeGraph(graph, live, { report, recent });
    },
    caches: async (filter) => cachesIn(await shown(filter)),
    streams: async (filter) => streamsIn(await shown(filter)),
    versions: async (filter) => versionsIn(await shown(filter), own),
    async schema() {
      const schema = await own.schema();
      if (schema === undefined) throw requestError('NO_SUPERGRAPH', {});
      return schema;
    },
  };
}

/** What a gateway shares with others. */
export const shareOf = async (own: OwnGateway): Promise<Pick<GatewaySummary, 'figures' | 'requests'>> => {
  const [live, graph, caches, streams, quarter, minute, loads, requests, errors, ...operations] =
    await Promise.all([
      own.live(),
      own.graph(),
      own.caches(),
      own.streams(),
      pairsIn(own, 'quarter'),
      pairsIn(own, 'minute'),
      own.loads(),
      own.shared(),
      own.errors(),
      ...[own.operations('quarter'), own.operations('hour'), own.operations('day')],
    ]);
  const [ofQuarter, ofHour, ofDay] = operations.map(mostUsed) as [
    OperationParts,
    OperationParts,
    OperationParts,
  ];
  return {
    figures: {
      ...{ live, graph, caches, streams, quarter, minute: { ...minute, pairs: [] }, loads },
      errors: mostFrequent(errors),
      operations: { quarter: ofQuarter, hour: ofHour, day: ofDay },
    },
    requests: requests.slice(0, mostShared),
  };
};

interface ShownGateways {
  /** Undefined if only another gateway is shown. */
  readonly own: OwnGateway | undefined;
  /** Undefined where gateways share no store. */
  readonly ownName: string | undefined;
  readonly others: KnownGateways['others'];
}

async function liveOf({ own, others }: ShownGateways): Promise<LiveParts> {
  const all = [...(own ? [await own.live()] : []), ...others.map(({ figures }) => figures.live)];
  return mergeLive(all, stepsLate);
}

async function operationsOf({ own, others }: ShownGateways, range: Range): Promise<OperationParts> {
  const all = [
    ...(own ? [await own.operations(range)] : []),
    ...others.map(({ figures }) => figures.operations[range]),
  ];
  return mergeOperations(all, range);
}

async function graphOf({ own, ownName, others }: ShownGateways): Promise<ServiceGraphParts> {
  const parts = await own?.graph();
  if (others.length === 0) return parts!;
  const named = others.map(({ name, figures }) => graphAt(name, figures.graph));
  return mergeGraphs([...(parts ? [graphAt(ownName!, parts)] : []), ...named]);
}

async function pairsOf({ own, others }: ShownGateways, period: Period): Promise<CallPairs> {
  return addPairs([
    ...(own ? [await pairsIn(own, period)] : []),
    ...others.map(({ figures }) => figures[period]),
  ]);
}

async function cachesIn({ own, ownName, others }: ShownGateways): Promise<CachesView> {
  const parts = await own?.caches();
  return mergeCaches([
    ...(parts ? [ownName === undefined ? parts : cachesOf(ownName, parts)] : []),
    ...others.map(({ name, figures }) => cachesOf(name, figures.caches)),
  ]);
}

async function streamsIn({ own, others }: ShownGateways): Promise<StreamsView> {
  const parts = await own?.streams();
  return mergeStreams([...(parts ? [parts] : []), ...others.map(({ figures }) => figures.streams)]);
}

/** @param answering whose registry is read */
async function versionsIn(
  { own, ownName, others }: ShownGateways,
  answering: Pick<OwnGateway, 'versions'>,
): Promise<VersionsView> {
  const [source, loads] = await Promise.all([answering.versions(), own?.loads()]);
  return describeVersions(source, [
    ...(loads ? [[ownName, loads] as const] : []),
    ...others.map(({ name, figures }) => [name, figures.loads] as const),
  ]);
}

/** The chattiest pairs alone, and what services call one another. */
async function pairsIn(own: OwnGateway, period: Period): Promise<CallPairs> {
  const { since, at, pairs, services } = await own.report({ last: periods[period] });
  return {
    ...{ since, at },
    pairs: pairs.filter(({ callsPerRequest }) => callsPerRequest > 0).slice(0, mostChatty),
    services: services.map(({ from, to, calls }) => ({ from, to, calls })),
  };
}

/** The newest first, as many as a list has. */
const newest = (requests: readonly RequestSummary[]): RequestSummary[] =>
  [...requests].sort((one, other) => other.at - one.at).slice(0, mostListed);

/** @throws a `GraphQLError` if no process has answered in time */
function some<Item>(answers: ReadonlyMap<number, Item>): readonly Item[] {
  if (answers.size === 0) throw requestError('OVERLOADED', {});
  return [...answers.values()];
}

const noVersions: VersionSource = { source: '', troubles: ['No process of the gateway has answered.'] };
const present = <Item>(items: readonly (Item | undefined)[]): readonly Item[] =>
  items.filter((item) => item !== undefined);

/** Milliseconds. */
const periods = { quarter: 15 * 60_000, minute: 60_000 };
type Period = keyof typeof periods;

/** A gateway's summary is of up to three steps ago. */
const stepsLate = 4;
const mostChatty = 20;
export const mostListed = 200;
const mostOthers = 20;
