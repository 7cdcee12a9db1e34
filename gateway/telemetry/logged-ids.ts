import type { Span } from './traces/span';

/** The ids of a request, for each line of the log that is about it. */
export interface LoggedIds {
  readonly requestId: string | undefined;
  /** 32 hexadecimal digits; undefined where it has no trace. */
  readonly traceId: string | undefined;
  /** Of the span that the line is about; undefined where none is recorded. */
  readonly spanId: string | undefined;
}

/** @param traced a request, or whoever makes calls for it: its `traceparent` is valid */
export const loggedIds = ({ tracing, span }: LogSubject): LoggedIds => ({
  requestId: tracing['x-request-id'],
  traceId: tracing['traceparent']?.slice(3, 35),
  spanId: span?.loggedId,
});

/** What log lines are about: a request, or who makes calls for it. */
export interface LogSubject {
  /** As subgraphs get them. */
  readonly tracing: Readonly<Record<string, string>>;
  readonly span?: Span | undefined;
}
