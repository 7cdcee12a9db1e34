import { composeServices, type CompositionSuccess } from '@apollo/composition';
import { version } from '@apollo/composition/package.json';
import {
  defaultPrintOptions,
  printSchema,
  type Schema,
  shallowOrderPrintedDefinitions,
} from '@apollo/federation-internals';
import { type DocumentNode, GraphQLError, parse, Source, visit } from 'graphql';
import { readAppSync } from './appsync-schema';
import { addOneOf, misfitsOf, readOneOf } from './one-of';
import { locate, type LocatedNode, locateNode, type Problem, type ProblemLocation } from './problem';
import { readSources, type SubgraphDocument } from './sources/read-sources';
import { writeSources } from './sources/write-sources';
import { linksOf, unservedFeatures } from './unserved-features';

/** A subgraph to compose. */
export interface SubgraphSchema {
  readonly name: string;
  /** The URL to which the gateway sends operations. Composition only writes it into the supergraph. */
  readonly routingUrl: string;
  readonly sdl: string;
  /** The path or URL of `sdl`, for the locations of problems. */
  readonly file: string;
  /** `sdl`, whose nodes have the locations of the texts that it was made of. @default it is parsed */
  readonly document?: DocumentNode;
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
  const parsed: SubgraphDocument[] = [];
  const errors: Problem[] = [];
  for (const subgraph of subgraphs) {
    const source = new Source(subgraph.sdl, subgraph.file);
    try {
      const written = subgraph.document ?? parse(source);
      errors.push(...unknownFederation(written, subgraph.name));
      const { document, missing } = readAppSync(written);
      parsed.push({ subgraph, document, texts: subgraph.document ? textsOf(written) : new Set([source]) });
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
  const oneOfInputs = new Set<string>();
  const { documents: graphs, sources, problems } = readSources(parsed);
  errors.push(...problems);
  const documents = graphs.map((graph) => {
    const { document, inputs } = readOneOf(graph.document);
    for (const name of inputs) oneOfInputs.add(name);
    return { ...graph, document };
  });
  for (const { subgraph, document } of documents)
    for (const { message, node } of misfitsOf(document, oneOfInputs))
      errors.push({
        level: 'error',
        code: 'INVALID_ONE_OF',
        message,
        locations: locateNode(node, subgraph.name),
      });
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
  if (oneOfInputs.size > 0) addOneOf(schema, oneOfInputs);
  if (sources.size > 0) writeSources(schema, sources);
  const isChanged = oneOfInputs.size > 0 || sources.size > 0;
  const sdl = isChanged
    ? printSchema(schema, shallowOrderPrintedDefinitions(defaultPrintOptions))
    : supergraphSdl;
  return {
    supergraphSdl: `${sdl.trimEnd()}\n`,
    hints: result.hints.map((hint) => describeHint(hint, documents)),
  };
}

/** Federation 3 and newer: the composer would also call the directives of such a schema unknown. */
function unknownFederation(document: DocumentNode, subgraph: string): Problem[] {
  return linksOf(document, 'https://specs.apollo.dev/federation').flatMap(({ version, node }) => {
    if (!(Number.parseFloat(version) >= 3)) return [];
    const message = `The schema is of Federation ${version}: Weir composes schemas of Federation 1 and 2.`;
    const locations = locateNode(node, subgraph);
    return [{ level: 'error', code: 'UNKNOWN_FEDERATION_LINK_VERSION', message, locations }];
  });
}

/** The texts that a document was made of. */
function textsOf(document: DocumentNode): Set<Source | undefined> {
  const texts = new Set<Source | undefined>();
  visit(document, { Name: ({ loc }) => void texts.add(loc?.source) });
  return texts;
}

/** Features for which the gateway would refuse the supergraph, with their locations. */
function unserved({ coreFeatures }: Schema, documents: readonly SubgraphDocument[]): Problem[] {
  return unservedFeatures.flatMap(({ identity, name }) => {
    if (coreFeatures?.getByIdentity(identity) === undefined) return [];
    const locations = documents.flatMap(({ subgraph, document }) =>
      linksOf(document, identity).flatMap(({ node }) => locateNode(node, subgraph.name)),
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
  return nodes.flatMap((node) => {
    const owner = documents.find(({ texts }) => texts.has(node.loc?.source));
    // One excerpt per line: a directive and its type are often on the same line.
    return (owner === undefined ? [] : locateNode(node, owner.subgraph.name)).filter(({ file, line }) => {
      const shown = `${owner!.subgraph.name}:${file}:${line}`;
      return !seen.has(shown) && seen.add(shown);
    });
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

function locateDefinitions(coordinate: string, { subgraph, document }: SubgraphDocument): ProblemLocation[] {
  const [typeName, fieldName] = coordinate.split('.');
  return document.definitions.flatMap((definition) => {
    if (!('name' in definition) || definition.name.value !== typeName) return [];
    if (fieldName === undefined) return locateNode(definition.name, subgraph.name);
    const fields = 'fields' in definition ? (definition.fields ?? []) : [];
    return fields
      .filter((field) => field.name.value === fieldName)
      .flatMap((field) => locateNode(field.name, subgraph.name));
  });
}
