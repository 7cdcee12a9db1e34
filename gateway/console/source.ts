import type {
  CallReport,
  CallTotals,
  ExplainedRequest,
  Graph,
  Live,
  OperatorsView,
  RequestSummary,
  SchemaView,
} from './api';
import type { GraphParts } from './graph';
import type { LiveParts } from './live';

/** Which requests are listed: those that match all members. */
export interface RequestFilter {
  /** A part of the operation's name, of the client's name, of a request id, a trace id or an error code; case does not count. */
  readonly search?: string | undefined;
  /** The name of the operation, or its id. */
  readonly operation?: string | undefined;
  /** The name of the client. */
  readonly client?: string | undefined;
  /** Only those with errors, or a status of 400 and above. */
  readonly failed?: boolean | undefined;
  /** Milliseconds that they took at least. */
  readonly slowerThan?: number | undefined;
  /** Unix milliseconds: only those that came earlier. */
  readonly before?: number | undefined;
}

export interface ReportFilter {
  /** Milliseconds: what was counted in the last ones, to the minute, at most an hour. @default since the start */
  readonly last?: number | undefined;
}

/** What the console shows. */
export interface ConsoleSource extends SharedQuestions {
  readonly live: () => Promise<Live>;
  readonly graph: () => Promise<Graph>;
  readonly schema: () => Promise<SchemaView>;
  readonly report: (filter: ReportFilter) => Promise<CallReport>;
}

/** What one process has for the console, as plain data. Figures are added up before they are shown. */
export interface ProcessConsole extends SharedQuestions {
  readonly live: () => Promise<LiveParts>;
  readonly graph: () => Promise<GraphParts>;
  readonly report: (filter: ReportFilter) => Promise<CallTotals>;
  /** Undefined until the subgraphs have answered. */
  readonly operators: () => Promise<OperatorsView | undefined>;
  /** Undefined while there is no supergraph. */
  readonly schema: () => Promise<SchemaView | undefined>;
}

interface SharedQuestions {
  /** The newest first, at most 200. */
  readonly requests: (filter: RequestFilter) => Promise<readonly RequestSummary[]>;
  /** @param id its request id, or its trace id */
  readonly request: (id: string) => Promise<ExplainedRequest | undefined>;
}
