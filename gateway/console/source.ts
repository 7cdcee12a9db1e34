import type { CallReport, ExplainedRequest, Graph, Live, RequestSummary, SchemaView } from './api';

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

/** What the console shows. A process has one of itself; a primary has one that asks all of its workers. */
export interface ConsoleSource {
  /** The newest first, at most 200. */
  readonly requests: (filter: RequestFilter) => Promise<readonly RequestSummary[]>;
  /** @param id its request id, or its trace id */
  readonly request: (id: string) => Promise<ExplainedRequest | undefined>;
  readonly live?: () => Promise<Live>;
  readonly graph?: () => Promise<Graph>;
  readonly schema?: () => Promise<SchemaView>;
  readonly report?: (filter: ReportFilter) => Promise<CallReport>;
}
