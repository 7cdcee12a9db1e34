import type {
  CallReport,
  CallTotals,
  ErrorsReport,
  ExplainedRequest,
  Gateways,
  ServiceGraph,
  LiveReport,
  OperationsReport,
  OperatorsView,
  RefusalReasons,
  RequestSummary,
  SchemaView,
} from './api';
import type { ShadowCounts, ShadowReport } from '../shadow/record';
import type { FindRemovals } from '../supergraph/removed-names';
import type { CacheParts } from './caches';
import type { CachesView, StreamsView } from './caches-api';
import type { ErrorParts } from './error-figures';
import type { ServiceGraphParts } from './graph';
import type { LiveParts } from './live';
import type { OperationParts, Range } from './operation-figures';
import type { StreamParts } from './streams';
import type { FoundDifference, LoadParts, VersionSource } from './versions';
import type { OptionsView, VersionsView } from './versions-api';

export interface GatewayFilter {
  /** The name of one gateway. @default undefined: all that share a store */
  readonly gateway?: string | undefined;
}

/** Which requests are listed: those that match all members. */
export interface RequestFilter {
  /**
   * A part of the operation's name, of the client's name, of a request id, a trace id, an error code, or of why it was refused;
   * case does not count.
   */
  readonly search?: string | undefined;
  /** The name of the operation, or its id. */
  readonly operation?: string | undefined;
  /** The name of the client. */
  readonly client?: string | undefined;
  /** Of several in the gateway. */
  readonly graph?: string | undefined;
  /** Only those with errors, or a status of 400 and above. */
  readonly failed?: boolean | undefined;
  /** Milliseconds that they took at least. */
  readonly slowerThan?: number | undefined;
  /** Unix milliseconds: only those that came earlier. */
  readonly before?: number | undefined;
}

export interface OperationsFilter extends GatewayFilter {
  /** @default `day` */
  readonly range?: Range | undefined;
}

export interface ReportFilter {
  /** Milliseconds: what was counted in the last ones, to the minute, at most an hour. @default since the start */
  readonly last?: number | undefined;
}

/**
 * What the console shows: `requests`, `live`, `operations`, `errors`, `graph`, `caches`, `streams` and `versions` of all gateways
 * that share a store, or of one of them, all else of the gateway that answers.
 */
export interface ConsoleSource {
  /** The newest first, at most 200. */
  readonly requests: (filter: RequestFilter & GatewayFilter) => Promise<readonly RequestSummary[]>;
  /** @param id its request id, or its trace id */
  readonly request: (id: string) => Promise<ExplainedRequest | undefined>;
  readonly refusals: () => Promise<RefusalReasons>;
  readonly live: (filter: GatewayFilter) => Promise<LiveReport>;
  readonly operations: (filter: OperationsFilter) => Promise<OperationsReport>;
  readonly errors: (filter: GatewayFilter) => Promise<ErrorsReport>;
  readonly graph: (filter: GatewayFilter) => Promise<ServiceGraph>;
  /** Undefined where gateways share no store. */
  readonly gateways: () => Promise<Gateways | undefined>;
  readonly schema: () => Promise<SchemaView>;
  readonly report: (filter: ReportFilter) => Promise<CallReport>;
  readonly caches: (filter: GatewayFilter) => Promise<CachesView>;
  readonly streams: (filter: GatewayFilter) => Promise<StreamsView>;
  readonly versions: (filter: GatewayFilter) => Promise<VersionsView>;
  /** Undefined if the registry has no such version, or there is none. */
  readonly difference: (version: number) => Promise<FoundDifference | undefined>;
  readonly options: () => Promise<OptionsView>;
  /** Undefined where the options have no shadow. */
  readonly shadow: () => Promise<ShadowReport | undefined>;
}

/** Without other requests with the same operation, which other processes may have. */
export type RecordedRequest = Omit<ExplainedRequest, 'others'>;

/** What one process has for the console, as plain data. Figures are added up before they are shown. */
export interface ProcessConsole {
  /** The newest first, at most 200. */
  readonly requests: (filter: RequestFilter) => Promise<readonly RequestSummary[]>;
  /** Those of the last minutes that it has written to the store, the newest first. */
  readonly shared: () => Promise<readonly RequestSummary[]>;
  /** @param id its request id, or its trace id */
  readonly request: (id: string) => Promise<RecordedRequest | undefined>;
  /** Without the versions that have removed what is requested. */
  readonly refusals: () => Promise<RefusalReasons>;
  readonly live: () => Promise<LiveParts>;
  readonly operations: (range: Range) => Promise<OperationParts>;
  readonly errors: () => Promise<ErrorParts>;
  readonly graph: () => Promise<ServiceGraphParts>;
  readonly report: (filter: ReportFilter) => Promise<CallTotals>;
  /** Undefined where the options have no shadow. */
  readonly shadow: () => Promise<ShadowCounts | undefined>;
  /** Undefined until the subgraphs have answered. */
  readonly operators: () => Promise<OperatorsView | undefined>;
  /** Undefined while there is no supergraph. */
  readonly schema: () => Promise<SchemaView | undefined>;
  /** Which of these coordinates earlier versions of the supergraph had; empty where there is no registry. */
  readonly removals: FindRemovals;
  readonly caches: () => Promise<CacheParts>;
  readonly streams: () => Promise<StreamParts>;
  readonly loads: () => Promise<LoadParts>;
  readonly versions: () => Promise<VersionSource>;
  /** Undefined if the registry has no such version, or there is none. */
  readonly difference: (version: number) => Promise<FoundDifference | undefined>;
}
