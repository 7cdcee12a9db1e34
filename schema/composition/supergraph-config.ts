import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Source } from 'graphql';
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { describeIssue } from './config-issue';
import { locate, type Problem } from './problem';
import { readPublishedSubgraph } from '../registry/published-subgraph';

/**
 * A supergraph configuration in Rover's format, such as `schema/supergraph.yaml`, without the parts that need a GraphOS
 * account.
 */
export interface SupergraphConfig {
  /** The path of the file as it was given, for messages. */
  readonly file: string;
  /** The version that the file asks for, such as `=2.14.4` or `2`. */
  readonly federationVersion?: string;
  readonly subgraphs: readonly SubgraphConfig[];
}

export interface SubgraphConfig {
  readonly name: string;
  readonly routingUrl: string;
  readonly schema: SchemaLocation;
  /** The file that joins an API to the graph which is no federation subgraph: see docs/sources.md. Absolute. */
  readonly overlay?: string;
  /** The command with which `weir dev` runs it. Absent if it is not run by `weir dev`. */
  readonly command?: SubgraphCommand;
}

export interface SubgraphCommand {
  /** A command line for the shell. */
  readonly line: string;
  /** Its working folder: that of the configuration, absolute. */
  readonly folder: string;
  /** Absolute paths of files and folders. An edit of one restarts the command. */
  readonly watch: readonly string[];
}

export type SchemaLocation =
  /** A schema, or an OpenAPI document beside an overlay. */
  | { readonly kind: 'file' | 'openapi'; /** Absolute. */ readonly path: string }
  | { readonly kind: 'url'; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'sdl';
      readonly sdl: string;
      /** Where it comes from, for messages. @default its subgraph's name */ readonly file?: string;
    };

export interface SupergraphConfigOptions {
  /** A YAML file in Rover's format; the paths in it are relative to its folder. */
  readonly file: string;
  /** Values for `${env.NAME}` in the file. @default {} */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The configuration, or a file that it names, cannot be read. */
export class SupergraphConfigError extends Error {
  override readonly name = 'SupergraphConfigError';

  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join('\n'));
  }
}

/** Reads and checks a supergraph configuration. @throws {SupergraphConfigError} with every mistake in it. */
export async function loadSupergraphConfig(options: SupergraphConfigOptions): Promise<SupergraphConfig> {
  const { file, env = {} } = options;
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw configError(`${file} ${missing ? 'does not exist' : `cannot be read: ${String(error)}`}.`);
  });
  const source = new Source(content, file);
  const document = parseDocument(content, { prettyErrors: false });
  const problems = [
    ...document.errors.map(({ message, pos }) => configProblem(`${message}.`, source, pos[0])),
    ...interpolate(document, source, env),
  ];
  if (problems.length > 0) throw new SupergraphConfigError(problems);

  const parsed = configSchema.safeParse(document.toJS());
  if (!parsed.success) {
    throw new SupergraphConfigError(
      parsed.error.issues.flatMap((issue) =>
        describeIssue(issue, document, knownKeys).map(({ message, offset }) =>
          configProblem(message, source, offset),
        ),
      ),
    );
  }
  const { federation_version: version, subgraphs } = parsed.data;
  const read = await Promise.all(
    Object.entries(subgraphs).map(async ([name, subgraph]) =>
      toSubgraph(name, await withPublished(name, subgraph, file), file),
    ),
  );
  return {
    file,
    ...(version === undefined ? {} : { federationVersion: String(version) }),
    subgraphs: read,
  };
}

const text = z.string({ error: 'must be text' }).min(1, { error: 'must not be empty' });
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

const versionRule = 'must be the number of a version, as `weir history` lists them';

/** The path of a file. */
const file = text.refine((path) => !/^https?:/i.test(path), {
  error: 'must be the path of a file',
});

const schemaShape = z.strictObject({
  file: file.optional(),
  subgraph_url: httpUrl.optional(),
  introspection_headers: z.record(z.string(), z.coerce.string()).optional(),
  sdl: text.optional(),
  // These four are Weir's own, not Rover's.
  openapi: file.optional(),
  registry: text.optional(),
  graph: text.optional(),
  version: z.int({ error: versionRule }).min(1, { error: versionRule }).optional(),
});

const subgraphShape = z.strictObject({
  routing_url: httpUrl.optional(),
  schema: schemaShape
    .refine(
      ({ file, subgraph_url, sdl, openapi, registry }) =>
        [file, subgraph_url, sdl, openapi, registry].filter(Boolean).length === 1,
      { error: 'must have exactly one of `file`, `subgraph_url`, `sdl`, `openapi` and `registry`' },
    )
    .refine(({ registry, graph, version }) => (registry ? graph : !graph && !version), {
      error: 'must have `registry` and `graph` together, and may have `version` beside them',
    })
    .refine(({ introspection_headers, subgraph_url }) => !introspection_headers || subgraph_url, {
      error: 'may have `introspection_headers` only beside `subgraph_url`',
    }),
  // These three keys are Weir's own, not Rover's.
  overlay: file.optional(),
  command: text.optional(),
  watch: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(text, { error: 'must be a file or folder, or a list of them' }),
    )
    .optional(),
});

const configSchema = z.strictObject({
  federation_version: z
    .union([z.string(), z.number()], { error: 'must be a version' })
    .refine((version) => /^=?2(\.\d+)*$/.test(String(version)), {
      error: 'must be a version of Federation 2, such as 2 or =2.14.4',
    })
    .optional(),
  subgraphs: z
    .record(
      z.string(),
      subgraphShape
        .refine(({ routing_url, schema }) => routing_url ?? schema.subgraph_url ?? schema.registry, {
          error: 'must have a `routing_url`, where the gateway sends its operations',
        })
        .refine(({ overlay, schema }) => !overlay || !schema.registry, {
          error: 'may not have an `overlay` beside `registry`: what was published has it',
        })
        .refine(({ overlay, schema }) => overlay ?? !schema.openapi, {
          error: 'must have an `overlay` beside `openapi`: it names the operations to import',
        })
        .refine(({ command, watch }) => command ?? !watch, {
          error: 'may have `watch` only beside `command`, which an edit starts anew',
        }),
    )
    .refine((subgraphs) => Object.keys(subgraphs).length > 0, { error: 'must list at least one subgraph' }),
});

/** The keys that are allowed at a path of the configuration. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  const shapes = [configSchema, undefined, subgraphShape, schemaShape];
  return Object.keys(shapes[path.length]?.shape ?? {});
}

/** What is in a registry is read from there, and then as if it were written here. */
async function withPublished(
  name: string,
  subgraph: z.infer<typeof subgraphShape>,
  file: string,
): Promise<z.infer<typeof subgraphShape>> {
  const { registry, graph, version } = subgraph.schema;
  if (registry === undefined) return subgraph;
  const location = registry.includes('://') ? registry : resolve(dirname(resolve(file)), registry);
  try {
    const published = await readPublishedSubgraph({
      registry: location,
      graph: graph!,
      version,
      subgraph: name,
    });
    const routing_url = subgraph.routing_url ?? published.routingUrl;
    return { ...subgraph, ...(routing_url !== undefined && { routing_url }), schema: { sdl: published.sdl } };
  } catch (error) {
    throw configError(`The schema of ${name} cannot be read: ${(error as Error).message}`);
  }
}

function toSubgraph(name: string, subgraph: z.infer<typeof subgraphShape>, file: string): SubgraphConfig {
  const { routing_url: routingUrl, schema, overlay, command, watch = [] } = subgraph;
  const folder = dirname(resolve(file));
  return {
    name,
    routingUrl: routingUrl ?? schema.subgraph_url!,
    schema: toLocation(schema, folder),
    ...(overlay === undefined ? {} : { overlay: resolve(folder, overlay) }),
    ...(command === undefined
      ? {}
      : { command: { line: command, folder, watch: watch.map((path) => resolve(folder, path)) } }),
  };
}

function toLocation(
  { file, openapi, subgraph_url: url, introspection_headers: headers, sdl }: z.infer<typeof schemaShape>,
  folder: string,
): SchemaLocation {
  if (openapi !== undefined) return { kind: 'openapi', path: resolve(folder, openapi) };
  if (file !== undefined) return { kind: 'file', path: resolve(folder, file) };
  return url === undefined ? { kind: 'sdl', sdl: sdl! } : { kind: 'url', url, headers: headers ?? {} };
}

/** Replaces Rover's `${env.NAME}` in all values. A variable that is not set is a problem. */
function interpolate(
  document: Document,
  source: Source,
  env: Readonly<Record<string, string | undefined>>,
): Problem[] {
  const problems: Problem[] = [];
  visit(document, {
    Scalar(_key, node) {
      if (!isScalar(node) || typeof node.value !== 'string') return;
      node.value = node.value.replace(/\$\{env\.(\w+)\}/g, (match, name: string) => {
        const value = env[name];
        if (value !== undefined) return value;
        const message = `The environment variable ${name} is not set.`;
        problems.push(configProblem(message, source, node.range?.[0] ?? 0));
        return match;
      });
    },
    Alias(_key, node) {
      if (node.resolve(document)) return;
      problems.push(configProblem(`*${node.source} names no anchor.`, source, node.range?.[0] ?? 0));
    },
  });
  return problems;
}

function configProblem(message: string, source: Source, offset: number): Problem {
  return { level: 'error', code: 'CONFIG_INVALID', message, locations: [locate(source, offset)] };
}

function configError(message: string): SupergraphConfigError {
  return new SupergraphConfigError([{ level: 'error', code: 'CONFIG_INVALID', message, locations: [] }]);
}
