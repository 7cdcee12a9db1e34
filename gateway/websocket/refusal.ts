import { JsonParts } from '../subgraph-calls/wire/json-parts';

/** An error in an answer. */
export interface SentError {
  readonly message: string;
  readonly extensions?: { readonly code?: string };
}

/** The errors of a GraphQL response without `data`, which is a refusal; undefined for one with `data`. */
export function refusalIn(body: Buffer): readonly SentError[] | undefined {
  if (hasData(body)) return undefined;
  const parts = new JsonParts(body);
  if (!parts.isObject) return undefined;
  const members = new Map<string, Buffer>();
  parts.object((name) => members.set(name, parts.value()));
  const errors = members.get('errors');
  if (errors === undefined || members.has('data')) return undefined;
  const read: unknown = JSON.parse(errors.toString());
  return Array.isArray(read) ? (read as SentError[]) : undefined;
}

/** Compared byte by byte: each event is looked at for each client, and a text would be made of it. */
function hasData(body: Buffer): boolean {
  for (let i = 0; i < withData.length; i++) if (body[i] !== withData[i]) return false;
  return true;
}

/** How answers without errors begin. */
const withData = Buffer.from('{"data":');
