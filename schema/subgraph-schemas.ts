import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import type { SubgraphSchema } from './compose';
import type { Problem } from './problem';
import { type SubgraphConfig, type SupergraphConfig, SupergraphConfigError } from './supergraph-config';

/** The headers by which a subgraph that is asked for its schema knows who asks: of a POST with this body. */
export type SignIntrospection = (subgraph: string, body: string) => Readonly<Record<string, string>>;

export interface ReadSubgraphSchemasOptions {
  /** @default none, as for subgraphs that answer everybody */
  readonly sign?: SignIntrospection | undefined;
  /** Per subgraph that is introspected, in milliseconds. @default 10_000 */
  readonly timeout?: number;
}

/**
 * Reads the schema of every subgraph of a configuration, from files or by asking the running subgraphs.
 * @throws {SupergraphConfigError} that names every schema which cannot be had.
 */
export async function readSubgraphSchemas(
  { subgraphs }: SupergraphConfig,
  { sign = () => ({}), timeout = 10_000 }: ReadSubgraphSchemasOptions = {},
): Promise<SubgraphSchema[]> {
  const results = await Promise.allSettled(subgraphs.map((subgraph) => readSchema(subgraph, sign, timeout)));
  const problems = results.flatMap((result, index): Problem[] => {
    if (result.status === 'fulfilled') return [];
    const message = `The schema of ${subgraphs[index]!.name} cannot be read: ${reasonOf(result.reason)}.`;
    return [{ level: 'error', code: 'SCHEMA_UNREADABLE', message, locations: [] }];
  });
  if (problems.length > 0) throw new SupergraphConfigError(problems);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

async function readSchema(
  { name, routingUrl, schema }: SubgraphConfig,
  sign: SignIntrospection,
  timeout: number,
): Promise<SubgraphSchema> {
  switch (schema.kind) {
    case 'sdl':
      return { name, routingUrl, sdl: schema.sdl, file: `${name}.graphql` };
    case 'url':
      return { name, routingUrl, sdl: await introspect(name, schema, sign, timeout), file: schema.url };
    case 'file':
      return { name, routingUrl, sdl: await readFile(schema.path, 'utf8'), file: displayPath(schema.path) };
  }
}

/** Asks a subgraph for its schema, as section "`_Service`" of the Federation subgraph specification has it. */
async function introspect(
  subgraph: string,
  { url, headers }: { url: string; headers: Readonly<Record<string, string>> },
  sign: SignIntrospection,
  timeout: number,
): Promise<string> {
  const query = JSON.stringify({ query: '{ _service { sdl } }' });
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...sign(subgraph, query),
      ...headers,
    },
    body: query,
    signal: AbortSignal.timeout(timeout),
  });
  const body = (await response.json().catch(() => undefined)) as
    { data?: { _service?: { sdl?: unknown } | null } | null; errors?: { message?: string }[] } | undefined;
  const sdl = body?.data?._service?.sdl;
  if (typeof sdl === 'string') return sdl;
  const reason =
    body?.errors?.[0]?.message ?? `status ${response.status} and no \`_service.sdl\` in the answer`;
  throw new Error(`${url} answers: ${reason}`);
}

/** Short and clickable: relative to the working folder where the file is below it. */
function displayPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}

function reasonOf(error: unknown): string {
  const { code, path, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  if (code === 'ENOENT' && path) return `${displayPath(path)} does not exist`;
  if (code === 'EISDIR') return 'it is a folder';
  // `fetch` says only "fetch failed"; what happened is its cause.
  return cause ? `${message} (${cause.message || String(cause.code)})` : message;
}
