import { composeServices, type CompositionSuccess } from '@apollo/composition';
import { version } from '@apollo/composition/package.json';
import type { Schema } from '@apollo/federation-internals';
import { type DocumentNode, GraphQLError, parse, Source } from 'graphql';
import { readAppSync } from './appsync-schema';
import { misfitsOf, readOneOf, withOneOf } from './one-of';
import { locate, type Problem, type ProblemLocation } from './problem';
import { linksOf, unservedFeatures } from './unserved-features';

/** A subgraph to compose. */
export interface SubgraphSchema {
  readonly name: string;
  /** The URL to which the gateway sends operations. Composition only writes it into the supergraph. */
  readonly routingUrl: string;
  readonly sdl: string;
  /** The path or URL of `sdl`, for the locations of problems. */
  readonly file: string;
}

export type Composition =
  | { readonly supergraphSdl: string; readonly hints: readonly Problem[]; readonly errors?: undefined }
  | { readonly errors: readonly Problem[]; readonly supergraphSdl?: undefined; readonly hints?: undefined };

/** The version of Federation that is used for composition, such as `2.14.4`. */
export const composerVersion = version;

/**
 * Composes subgraph schemas into a supergraph. Errors of composition are returned, never thrown. Equal input gives equal
 * text.
 *
 * Only this file uses `@apollo/composition` (Elastic-2.0), so that another composer can replace it.
 */
export function composeSupergraph({ subgraphs }: { subgraphs: readonly SubgraphSchema[] }): Composition {
  const documents: SubgraphDocument[] = [];
  const oneOfInputs = new Set<string>();
  const errors: Problem[] = [];
  for (const subgraph of subgraphs) {
    const source = new Source(subgraph.sdl, subgraph.file);
    try {
      const parsed = parse(source);
      errors.push(...unknownFederation(parsed, subgraph.name, source));
      const { document: declared, missing } = readAppSync(parsed);
      const { document, inputs } = readOneOf(declared);
      for (const name of inputs) oneOfInputs.add(name);
      documents.push({ subgraph, source, document });
      for (const { message, offset } of missing) {
        const locations = [locate(source, offset, subgraph.name)];
        errors.push({ level: 'error', code: 'APPSYNC_ANY_FIELD_MISSING', message, locations });
      }
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      errors.push({
        level: 'error',
        code: 'INVALID_GRAPHQL',
        message: error.message,
        locations: (error.positions ?? []).map((offset) => locate(source, offset, subgraph.name)),
      });
    }
  }
  for (const { subgraph, source, document } of documents) {
    for (const { message, offset } of misfitsOf(document, oneOfInputs)) {
      const locations = [locate(source, offset, subgraph.name)];
      errors.push({ level: 'error', code: 'INVALID_ONE_OF', message, locations });
    }
  }
  if (errors.length > 0) return { errors };

  const result = composeServices(
    documents.map(({ subgraph, document }) => ({
      name: subgraph.name,
      url: subgraph.routingUrl,
      typeDefs: document,
    })),
  );
  if (result.errors) return { errors: result.errors.map((error) => describeError(error, documents)) };
  const refused = unserved(result.schema, documents);
  if (refused.length > 0) return { errors: refused };
  const { schema, supergraphSdl } = result;
  const sdl = oneOfInputs.size === 0 ? supergraphSdl : withOneOf(schema, oneOfInputs);
  return {
    supergraphSdl: `${sdl.trimEnd()}\n`,
    hints: result.hints.map((hint) => describeHint(hint, documents)),
  };
}

/** Federation 3 and newer: the composer would also call the directives of such a schema unknown. */
function unknownFederation(document: DocumentNode, subgraph: string, source: Source): Problem[] {
  return linksOf(document, 'https://specs.apollo.dev/federation').flatMap(({ version, start }) => {
    if (!(Number.parseFloat(version) >= 3)) return [];
    const message = `The schema is of Federation ${version}: Weir composes schemas of Federation 1 and 2.`;
    const locations = [locate(source, start, subgraph)];
    return [{ level: 'error', code: 'UNKNOWN_FEDERATION_LINK_VERSION', message, locations }];
  });
}

interface SubgraphDocument {
  readonly subgraph: SubgraphSchema;
  readonly source: Source;
  readonly document: DocumentNode;
}

/** Features for which the gateway would refuse the supergraph, with their locations. */
function unserved({ coreFeatures }: Schema, documents: readonly SubgraphDocument[]): Problem[] {
  return unservedFeatures.flatMap(({ identity, name }) => {
    if (coreFeatures?.getByIdentity(identity) === undefined) return [];
    const locations = documents.flatMap(({ subgraph, source, document }) =>
      linksOf(document, identity).map(({ start }) => locate(source, start, subgraph.name)),
    );
    const message = `The gateway does not run ${name}.`;
    return [{ level: 'error', code: 'UNSUPPORTED_FEATURE', message, locations }];
  });
}

function describeError(error: GraphQLError, documents: readonly SubgraphDocument[]): Problem {
  const code = typeof error.extensions['code'] === 'string' ? error.extensions['code'] : 'COMPOSITION_FAILED';
  return describe({ level: 'error', code, message: error.message, nodes: error.nodes ?? [] }, documents);
}

function describeHint(
  hint: CompositionSuccess['hints'][number],
  documents: readonly SubgraphDocument[],
): Problem {
  const { code, level } = hint.definition;
  return describe(
    {
      level: level.name === 'WARN' ? 'warning' : 'info',
      code,
      message: hint.message,
      nodes: hint.nodes ?? [],
    },
    documents,
  );
}

/** The position of Apollo's nodes. Nodes of upgraded Federation 1 schemas have none. */
interface LocatedNode {
  readonly loc?: { readonly start: number; readonly source: Source } | undefined;
}

function describe(
  { nodes, ...problem }: Omit<Problem, 'locations'> & { nodes: readonly LocatedNode[] },
  documents: readonly SubgraphDocument[],
): Problem {
  // Apollo's message begins with the subgraph's name, which the locations already have.
  const [, subgraph, rest] = /^\[([^\]]+)\] (.*)$/s.exec(problem.message) ?? [];
  const own =
    subgraph === undefined ? documents : documents.filter((each) => each.subgraph.name === subgraph);
  const fromNodes = locateNodes(nodes, documents);
  const locations = fromNodes.length > 0 ? fromNodes : locateQuotedName(problem.message, own);
  return { ...problem, message: locations.length > 0 && rest ? rest : problem.message, locations };
}

function locateNodes(
  nodes: readonly LocatedNode[],
  documents: readonly SubgraphDocument[],
): ProblemLocation[] {
  const seen = new Set<string>();
  return nodes.flatMap(({ loc }) => {
    const owner = documents.find(({ source }) => source === loc?.source);
    if (!loc || !owner) return [];
    const location = locate(owner.source, loc.start, owner.subgraph.name);
    // One excerpt per line: a directive and its type are often on the same line.
    const line = `${owner.subgraph.name}:${location.line}`;
    if (seen.has(line)) return [];
    seen.add(line);
    return [location];
  });
}

/**
 * Errors of satisfiability and of duplicate definitions have no nodes, but their messages quote a field or type. Its
 * definitions are used as the locations.
 */
function locateQuotedName(message: string, documents: readonly SubgraphDocument[]): ProblemLocation[] {
  for (const [, name] of message.matchAll(/"@?(\w+(?:\.\w+)?)"/g)) {
    const locations = documents.flatMap((each) => locateDefinitions(name!, each));
    if (locations.length > 0) return locations;
  }
  return [];
}

function locateDefinitions(
  coordinate: string,
  { subgraph, source, document }: SubgraphDocument,
): ProblemLocation[] {
  const [typeName, fieldName] = coordinate.split('.');
  return document.definitions.flatMap((definition) => {
    if (!('name' in definition) || definition.name.value !== typeName) return [];
    if (fieldName === undefined) return [locate(source, definition.name.loc!.start, subgraph.name)];
    const fields = 'fields' in definition ? (definition.fields ?? []) : [];
    return fields
      .filter((field) => field.name.value === fieldName)
      .map((field) => locate(source, field.name.loc!.start, subgraph.name));
  });
}
