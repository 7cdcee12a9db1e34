import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import {
  buildClientSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  print,
  printSchema,
} from 'graphql';
import type { SubgraphSchema } from './compose';
import type { Problem } from './problem';
import { overlaidDocument } from './sources/overlaid-document';
import { type SubgraphConfig, type SupergraphConfig, SupergraphConfigError } from './supergraph-config';

/** A POST request that introspects a subgraph. */
export interface Introspection {
  readonly subgraph: string;
  readonly url: string;
  readonly body: string;
}

type Headers = Readonly<Record<string, string>>;

/** Returns the headers that authenticate an introspection request. */
export type SignIntrospection = (introspection: Introspection) => Headers | Promise<Headers>;

/** Sends such a POST. */
export type FetchIntrospection = (introspection: Introspection, init: RequestInit) => Promise<Response>;

export interface ReadSubgraphSchemasOptions {
  /** @default no headers */
  readonly sign?: SignIntrospection | undefined;
  /** Sends the request. @default the global `fetch` */
  readonly fetch?: FetchIntrospection | undefined;
  /**
   * Called for a subgraph whose introspection failed. Returns a schema to use instead, if any.
   *
   * @default undefined: the failure is reported
   */
  readonly instead?: ((subgraph: SubgraphConfig, problem: Problem) => SubgraphSchema | undefined) | undefined;
  /** Whether subgraphs are introspected as APIs that are no federation subgraphs, also without an overlay. @default false */
  readonly isPlain?: boolean;
  /** Timeout of introspection per subgraph, in milliseconds. @default 10_000 */
  readonly timeout?: number;
}

/**
 * Reads the schema of every subgraph of a configuration, from files or by introspection.
 * @throws {SupergraphConfigError} that names every schema which cannot be read.
 */
export async function readSubgraphSchemas(
  { subgraphs }: SupergraphConfig,
  { instead = () => undefined, ...asking }: ReadSubgraphSchemasOptions = {},
): Promise<SubgraphSchema[]> {
  const results = await Promise.all(
    subgraphs.map(async (subgraph) => {
      const { name, schema } = subgraph;
      try {
        return { schema: await readSchema(subgraph, asking) };
      } catch (error) {
        if (error instanceof SupergraphConfigError) return { problems: error.problems };
        const message = `The schema of ${name} cannot be read: ${reasonOf(error)}.`;
        const problem: Problem = {
          ...{ level: 'error', code: 'SCHEMA_UNREADABLE', message },
          ...{ subgraph: name, locations: [] },
        };
        const other = schema.kind === 'url' ? instead(subgraph, problem) : undefined;
        return other === undefined ? { problems: [problem] } : { schema: other };
      }
    }),
  );
  const problems = results.flatMap((result) => result.problems ?? []);
  if (problems.length > 0) throw new SupergraphConfigError(problems);
  return results.flatMap(({ schema }) => schema ?? []);
}

type Asking = Omit<ReadSubgraphSchemasOptions, 'instead'>;

async function readSchema(subgraph: SubgraphConfig, asking: Asking): Promise<SubgraphSchema> {
  const { name, routingUrl, overlay } = subgraph;
  const read = await readText(subgraph, asking);
  if (overlay === undefined) return { name, routingUrl, ...read };
  const file = displayPath(overlay);
  const text = await readFile(overlay, 'utf8');
  const document = overlaidDocument(name, read, { text, file }, subgraph.schema.kind);
  return { name, routingUrl, sdl: `${print(document)}\n`, file: read.file, document };
}

async function readText(
  { name, schema, overlay }: SubgraphConfig,
  asking: Asking,
): Promise<Pick<SubgraphSchema, 'sdl' | 'file'>> {
  switch (schema.kind) {
    case 'sdl':
      return { sdl: schema.sdl, file: schema.file ?? `${name}.graphql` };
    case 'url': {
      const introspection = overlay === undefined && asking.isPlain !== true ? federation : standard;
      return { sdl: await introspect(name, schema, introspection, asking), file: schema.url };
    }
    case 'file':
    case 'openapi':
      return { sdl: await readFile(schema.path, 'utf8'), file: displayPath(schema.path) };
  }
}

/** A query for a schema, and how its answer is read. */
interface Question {
  readonly query: string;
  /** What the answer must have. */
  readonly needs: string;
  /** Undefined where the answer has no schema. */
  readonly read: (data: Answered) => string | undefined;
}

type Answered = { readonly _service?: { readonly sdl?: unknown } | null } & Partial<IntrospectionQuery>;

/** Federation subgraph specification, section "`_Service`". */
const federation: Question = {
  query: '{ _service { sdl } }',
  needs: '`_service.sdl`',
  read: ({ _service }) => (typeof _service?.sdl === 'string' ? _service.sdl : undefined),
};

/** GraphQL specification, section "Introspection": of an API that is no federation subgraph. */
const standard: Question = {
  query: getIntrospectionQuery(),
  needs: '`__schema`',
  read: ({ __schema }) => __schema && printSchema(buildClientSchema({ __schema })),
};

async function introspect(
  subgraph: string,
  { url, headers }: { url: string; headers: Headers },
  { query, needs, read }: Question,
  { sign = () => ({}), fetch: send = ({ url: to }, init) => fetch(to, init), timeout = 10_000 }: Asking,
): Promise<string> {
  const introspection = { subgraph, url, body: JSON.stringify({ query }) };
  const answered = send(introspection, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(await sign(introspection)),
      ...headers,
    },
    body: introspection.body,
    // Its headers are for no other address.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  });
  const response = await answered.catch((error: unknown) => {
    throw new Error(`${url} ${whyNoAnswer(error as Error, { subgraph, url, timeout })}`);
  });
  if (response.status >= 300 && response.status < 400)
    throw new Error(
      `${url} answers with a redirect, which is not followed: name the address that it leads to`,
    );
  const answer = await readAnswer(response, url);
  const sdl = read(answer?.data ?? {});
  if (sdl !== undefined) return sdl;
  const reason = answer?.errors?.[0]?.message ?? `status ${response.status} and no ${needs} in the answer`;
  // The sentence that this becomes a part of has a period of its own.
  throw new Error(`${url} answers: ${reason.replace(/\.$/, '')}`);
}

interface IntrospectionAnswer {
  readonly data?: Answered | null;
  readonly errors?: readonly { readonly message?: string }[];
}

/** Undefined for what is no JSON, or ends in the middle. @throws if it is too large */
async function readAnswer(response: Response, url: string): Promise<IntrospectionAnswer | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      if ((bytes += part.length) > mostBytes) break;
      parts.push(part);
    }
    if (bytes <= mostBytes) return JSON.parse(Buffer.concat(parts).toString()) as IntrospectionAnswer;
  } catch {
    return undefined;
  }
  throw new Error(`${url} answers with more than ${mostBytes / 1024 / 1024} MiB`);
}

/** Of the answer to an introspection. */
const mostBytes = 64 * 1024 * 1024;

/** A short path that terminals can link: relative to the working folder if the file is below it. */
function displayPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}

function reasonOf(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && path) return `${displayPath(path)} does not exist`;
  if (code === 'EISDIR') return 'it is a folder';
  return message;
}

interface Asked {
  readonly subgraph: string;
  readonly url: string;
  /** In milliseconds. */
  readonly timeout: number;
}

/** Why a request was not answered: what follows its URL in a sentence. */
function whyNoAnswer(error: Error, asked: Asked): string {
  if (error.name === 'TimeoutError') return `has not answered within ${asked.timeout / 1000} s`;
  // The message of `fetch` is only "fetch failed"; the reason is in its cause.
  const { code = '', message, port } = (error.cause ?? error) as NodeJS.ErrnoException & { port?: number };
  // Where a proxy refuses, the port is not the subgraph's.
  if (code === 'ECONNREFUSED' && (port ?? portOf(asked.url)) === portOf(asked.url))
    return 'refuses connections: start the subgraph, or name its port';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'names a host that is not found: check its name';
  if (untrusted.has(code))
    return `has a certificate that is not trusted (${message}): name its authority in \`subgraphs.${asked.subgraph}.tls.ca\` of the gateway's options`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return 'does not speak TLS: write http:// where that is right';
  return `cannot be reached: ${message || code}`;
}

/** Codes of Node for certificates whose authority is unknown. */
const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function portOf(url: string): number {
  const { protocol, port } = new URL(url);
  return Number(port || (protocol === 'https:' ? 443 : 80));
}
