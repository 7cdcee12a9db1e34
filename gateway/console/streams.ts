import type { Subscriptions } from '../graph/subscriptions/subscriptions';
import type { StreamField, StreamsView } from './caches-api';

/** What runs in a process, as plain data: it crosses processes, and adds up with that of others. */
export type StreamParts = StreamsView;

export type RunningSubscriptions = Pick<Subscriptions, 'executions' | 'size'>;

/** Reads what runs now. Requests and events do nothing for it. */
export function streamParts({ executions, size }: RunningSubscriptions): StreamParts {
  const fields = new Map<string, Mutable<StreamField>>();
  /** The clients of each source. */
  const sources = new Map<object, { readonly row: Mutable<StreamField>; clients: number }>();
  for (const { prepared, upstream, readers } of executions) {
    const { field, subgraph, source } = prepared;
    const key = [field, subgraph, source].join('\n');
    const row = fields.get(key) ?? { ...{ field, subgraph, source }, ...none, protocols: {} };
    fields.set(key, row);
    row.executions++;
    const shared = sources.get(upstream) ?? { row, clients: 0 };
    sources.set(upstream, shared);
    for (const { request } of readers) {
      const protocol = request.sink.events ?? 'other';
      row.protocols[protocol] = (row.protocols[protocol] ?? 0) + 1;
      row.clients++;
      shared.clients++;
    }
  }
  for (const { row, clients } of sources.values()) {
    row.sources++;
    row.largest = Math.max(row.largest, clients);
  }
  return summed(size, [...fields.values()]);
}

type Mutable<Row> = { -readonly [Key in keyof Row]: Row[Key] extends object ? Mutable<Row[Key]> : Row[Key] };

const none = { clients: 0, executions: 0, sources: 0, largest: 0 };

/** What several processes, or gateways, run together. */
export function mergeStreams(parts: readonly StreamParts[]): StreamParts {
  const fields = new Map<string, StreamField>();
  for (const each of parts.flatMap((part) => part.fields)) {
    const key = [each.field, each.subgraph, each.source].join('\n');
    const known = fields.get(key);
    fields.set(key, known === undefined ? each : addField(known, each));
  }
  return summed(
    parts.reduce((sum, { clients }) => sum + clients, 0),
    [...fields.values()],
    parts.reduce((sum, { others }) => sum + others, 0),
  );
}

function addField(one: StreamField, other: StreamField): StreamField {
  const protocols = { ...one.protocols };
  for (const [name, clients] of Object.entries(other.protocols))
    protocols[name] = (protocols[name] ?? 0) + clients;
  return {
    ...one,
    clients: one.clients + other.clients,
    executions: one.executions + other.executions,
    sources: one.sources + other.sources,
    largest: Math.max(one.largest, other.largest),
    protocols,
  };
}

/** Those with the most clients first. */
function summed(clients: number, fields: readonly StreamField[], others = 0): StreamParts {
  const sorted = [...fields].sort((a, b) => b.clients - a.clients || (a.field < b.field ? -1 : 1));
  return {
    clients,
    fields: sorted.slice(0, mostFields),
    others: others + Math.max(0, sorted.length - mostFields),
  };
}

const mostFields = 100;
