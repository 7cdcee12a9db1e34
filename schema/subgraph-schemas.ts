import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import type { SubgraphSchema } from './compose';
import type { Problem } from './problem';
import { type SubgraphConfig, type SupergraphConfig, SupergraphConfigError } from './supergraph-config';

/** A POST that asks a subgraph for its schema. */
export interface Introspection {
  readonly subgraph: string;
  readonly url: string;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

/** The headers by which a subgraph that is asked for its schema knows who asks. */
export type SignIntrospection = (introspection: Introspection) => Headers | Promise<Headers>;

export interface ReadSubgraphSchemasOptions {
  /** @default none, as for subgraphs that answer everybody */
  readonly sign?: SignIntrospection | undefined;
  /** Called for a subgraph that cannot be asked for its schema: what it returns is taken instead. @default nothing is */
  readonly instead?: ((subgraph: SubgraphConfig, problem: Problem) => SubgraphSchema | undefined) | undefined;
  /** Per subgraph that is introspected, in milliseconds. @default 10_000 */
  readonly timeout?: number;
}

/**
 * Reads the schema of every subgraph of a configuration, from files or by asking the running subgraphs.
 * @throws {SupergraphConfigError} that names every schema which cannot be had.
 */
export async function readSubgraphSchemas(
  { subgraphs }: SupergraphConfig,
  { sign = () => ({}), instead = () => undefined, timeout = 10_000 }: ReadSubgraphSchemasOptions = {},
): Promise<SubgraphSchema[]> {
  const results = await Promise.all(
    subgraphs.map(async (subgraph) => {
      const { name, schema } = subgraph;
      try {
        return { schema: await readSchema(subgraph, sign, timeout) };
      } catch (error) {
        const message = `The schema of ${name} cannot be read: ${reasonOf(error)}.`;
        const problem: Problem = {
          ...{ level: 'error', code: 'SCHEMA_UNREADABLE', message },
          ...{ subgraph: name, locations: [] },
        };
        const other = schema.kind === 'url' ? instead(subgraph, problem) : undefined;
        return other === undefined ? { problem } : { schema: other };
      }
    }),
  );
  const problems = results.flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) throw new SupergraphConfigError(problems);
  return results.flatMap(({ schema }) => schema ?? []);
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
  { url, headers }: { url: string; headers: Headers },
  sign: SignIntrospection,
  timeout: number,
): Promise<string> {
  const body = JSON.stringify({ query: '{ _service { sdl } }' });
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(await sign({ subgraph, url, body })),
      ...headers,
    },
    body,
    signal: AbortSignal.timeout(timeout),
  });
  const answer = (await response.json().catch(() => undefined)) as
    { data?: { _service?: { sdl?: unknown } | null } | null; errors?: { message?: string }[] } | undefined;
  const sdl = answer?.data?._service?.sdl;
  if (typeof sdl === 'string') return sdl;
  const reason =
    answer?.errors?.[0]?.message ?? `status ${response.status} and no \`_service.sdl\` in the answer`;
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
