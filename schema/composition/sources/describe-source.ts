import { readFile } from 'node:fs/promises';
import { parse } from 'graphql';
import { readSourceSchema } from '../../supergraph/sources/source-schema';
import { readOpenApi } from '../openapi';
import type { Note } from '../openapi/document';
import { readSubgraphSchemas, type ReadSubgraphSchemasOptions } from '../subgraph-schemas';
import {
  loadSupergraphConfig,
  type SubgraphConfig,
  SupergraphConfigError,
  type SupergraphConfigOptions,
} from '../supergraph-config';
import { withOverlay } from './overlay';
import { Owners } from './owners';
import { type Suggestion, suggestionsFor } from './suggest';

export interface DescribeSourceOptions
  extends SupergraphConfigOptions, Pick<ReadSubgraphSchemasOptions, 'sign' | 'fetch'> {
  readonly name: string;
  /** Whether to propose lines for the overlay. Without an overlay, the API is then introspected as a plain GraphQL API. */
  readonly suggest: boolean;
}

export interface SourceDescription {
  readonly name: string;
  /** The source schema: what `weir publish` stores. */
  readonly sdl: string;
  readonly types: number;
  readonly fields: number;
  /** What of an OpenAPI document is not as one may expect, and why. */
  readonly notes: readonly Note[];
  readonly suggestions: readonly Suggestion[];
}

/** @throws {SupergraphConfigError} if the schema of the subgraph cannot be read */
export async function describeSource({
  name,
  suggest,
  sign,
  fetch,
  ...options
}: DescribeSourceOptions): Promise<SourceDescription> {
  const config = await loadSupergraphConfig(options);
  const subgraph = config.subgraphs.find((each) => each.name === name);
  if (subgraph === undefined) {
    const names = config.subgraphs.map((each) => each.name).join(', ');
    const message = `${options.file} has no subgraph \`${name}\`; it has: ${names}.`;
    throw new SupergraphConfigError([{ level: 'error', code: 'CONFIG_INVALID', message, locations: [] }]);
  }
  const read = (one: SubgraphConfig, isPlain: boolean) =>
    readSubgraphSchemas({ ...config, subgraphs: [one] }, { sign, fetch, isPlain });
  const [schema] = await read(subgraph, suggest);
  const { sdl } = schema!;
  const source = readSourceSchema(withOverlay(parse(sdl)), () => undefined);
  // Those that cannot be read now have nothing to link to.
  const others = suggest
    ? config.subgraphs.filter((each) => each !== subgraph).map((each) => read(each, false).catch(() => []))
    : [];
  const texts = (await Promise.all(others)).flat().map((other) => withOverlay(parse(other.sdl)));
  return {
    ...{ name, sdl },
    types: source.types.size,
    fields: [...source.types.values()].reduce((sum, { fields }) => sum + fields.size, 0),
    notes: await notesOf(subgraph),
    suggestions: suggest ? suggestionsFor(source, new Owners(texts)) : [],
  };
}

async function notesOf({ schema, overlay }: SubgraphConfig): Promise<readonly Note[]> {
  if (schema.kind !== 'openapi' || overlay === undefined) return [];
  const document = { text: await readFile(schema.path, 'utf8'), file: schema.path };
  return readOpenApi(document, parse(await readFile(overlay, 'utf8'))).notes;
}
