import { CallCounter } from '../../console/call-totals';
import { graphParts } from '../../console/graph';
import { recordLive } from '../../console/live';
import { gatewayOf } from '../../console/merged-source';
import { askOperators, askSeldom } from '../../console/operators';
import { createOwnSource } from '../../console/own-source';
import { cacheReader } from '../../console/caches';
import { describeOptions } from '../../console/options-view';
import { figuresMemory, RequestFigures } from '../../console/request-figures';
import { ReportHistory } from '../../console/report-history';
import type { RequestLog } from '../../console/request-log';
import { SharedRecords } from '../../console/shared-records';
import type { ConsoleSource, ProcessConsole } from '../../console/source';
import { streamParts } from '../../console/streams';
import { differenceIn, loadParts, versionSource } from '../../console/versions';
import type { Options } from '../../options';
import type { LoadHistory } from '../../telemetry/load-history';
import type { Metrics } from '../../telemetry/metrics/metrics';
import type { Configurations } from '../configurations';
import type { GatewayOptions } from '../given-options';
import { openConsole, openConsoleStore } from './open-console';
import { type OpenPart, OpenParts } from '../open-parts';

export interface ProcessConsoleParts {
  readonly configurations: Configurations;
  readonly recorder: RequestLog;
  readonly metrics: Metrics;
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: () => string;
  readonly loads: LoadHistory;
  /** What the consoles of other gateways call this one. */
  readonly name: string;
  /** The options as they were given at the start, and where they come from. */
  readonly given: GatewayOptions;
}

export interface OpenProcessConsole extends OpenPart {
  readonly console: ProcessConsole;
  /** What the console of this process shows; undefined where another process shows it. */
  readonly source: ConsoleSource | undefined;
}

/** Records what the console shows of this process, until it is closed. */
export function openProcessConsole(
  {
    admin: {
      console: { memory, values },
      enabled,
    },
    cache,
  }: Options,
  { configurations, recorder, metrics, loads, endpoint, name, given }: ProcessConsoleParts,
): OpenProcessConsole {
  const opened = new OpenParts();
  const own = createOwnSource({
    ...{ log: recorder, endpoint, values: values ?? false, valuesInCurl: recorder.values },
    generationOf: (graph) => configurations.current.generationOf(graph),
    responses: () => configurations.current.options.cache.responses,
  });
  const store = openConsoleStore(cache);
  const shared = store && new SharedRecords({ store, explain: own.explain, gateway: name });
  recorder.onTaken((first) => shared?.add(first));
  const reports = new ReportHistory(new CallCounter(metrics, Date.now()));
  const figures = new RequestFigures(figuresMemory(memory));
  metrics.requests.listener = figures.count;
  const live = recordLive(metrics, () => figures.operations.failed);
  const since = Date.now();
  const ofCaches = () => ({
    ...configurations.current.cacheContents,
    metrics,
    since,
    values: values ?? false,
  });
  const console: ProcessConsole = {
    requests: own.requests,
    refusals: own.refusals,
    shared: () => Promise.resolve(shared?.list() ?? []),
    request: async (id) => (await own.request(id)) ?? shared?.find(id),
    report: ({ last }) => Promise.resolve(reports.totals(last)),
    shadow: () => Promise.resolve(configurations.current.shadow?.counts()),
    live: () => Promise.resolve(live.parts()),
    operations: (range) => Promise.resolve(figures.operations.read(range)),
    errors: () => Promise.resolve(figures.errors.read()),
    graph: () => Promise.resolve(graphParts(configurations.current.graphSources())),
    operators: askSeldom(() => askOperators(configurations.current.linkedSubgraphs())),
    schema: () => configurations.current.describeSchema(),
    // A registry that cannot be read is in the log already.
    removals: (coordinates) => configurations.current.removalsOf(coordinates).catch(() => []),
    caches: cacheReader(ofCaches),
    streams: () => Promise.resolve(streamParts(configurations.current.subscriptions)),
    loads: () => Promise.resolve(loadParts(loads)),
    versions: versionSource(() => configurations.current.supergraphOrigin),
    difference: (version) => differenceIn(configurations.current.supergraphOrigin, version),
  };
  const ofOptions = () => describeOptions(configurations.current.options, given.optionSources?.(), given);
  const shown = enabled ? openConsole(gatewayOf(console, ofOptions), name, store) : undefined;
  opened.onClose(() => (shown ?? store)?.close());
  opened.onClose(() => shared?.stop());
  opened.onClose(() => live.stop());
  opened.onClose(() => {
    metrics.requests.listener = undefined;
  });
  opened.onClose(() => reports.stop());
  return { console, source: shown?.source, close: () => opened.close() };
}
