/** The schema of a subgraph as Apollo's composer takes it. */
import { type DefinitionNode, type DocumentNode, isTypeDefinitionNode, Kind, parse, visit } from 'graphql';
import { applied, directive } from '../../supergraph/sdl';
import { sourceWords } from './source-words';

/** What can be reached of root types and entities, without the words of sources, and with a link to Federation. */
export function federationDocument(all: readonly DefinitionNode[]): DocumentNode {
  const own = all.filter(
    (node) => node.kind !== Kind.DIRECTIVE_DEFINITION || !sourceWords.has(node.name.value),
  );
  const definitions = reachable(own);
  const document: DocumentNode = visit(
    { kind: Kind.DOCUMENT, definitions },
    { Directive: ({ name }) => (sourceWords.has(name.value) ? null : undefined) },
  );
  const isLinked = definitions.some(
    (node) => isSchema(node) && applied(node, 'link').some(({ url }) => String(url).startsWith(federation)),
  );
  return isLinked ? document : { ...document, definitions: [linkFor(document), ...document.definitions] };
}

const federation = 'https://specs.apollo.dev/federation/';

const isSchema = (node: DefinitionNode) =>
  node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION;

/** Imports the directives that a schema uses and does not define. */
function linkFor(document: DocumentNode): DefinitionNode {
  const used = new Set<string>();
  visit(document, { Directive: ({ name }) => void used.add(name.value) });
  for (const node of document.definitions)
    if (node.kind === Kind.DIRECTIVE_DEFINITION) used.delete(node.name.value);
  const imported = federationDirectives.filter((name) => used.has(name)).map((name) => `"@${name}"`);
  const text = `extend schema @link(url: "${federation}v2.12", import: [${imported.join(' ')}])`;
  return parse(text, { noLocation: true }).definitions[0]!;
}

const federationDirectives =
  'key requires provides external shareable inaccessible override tag interfaceObject authenticated requiresScopes policy context fromContext cost listSize cacheTag composeDirective'.split(
    ' ',
  );

/** The definitions that root types and entities lead to, and those that are no types. */
function reachable(definitions: readonly DefinitionNode[]): DefinitionNode[] {
  const roots = new Set(['Query', 'Mutation', 'Subscription']);
  /** What leads on to a type: its definition, and the objects of an interface. */
  const named = new Map<string, DefinitionNode[]>();
  const add = (name: string, node: DefinitionNode) => {
    if (named.get(name)?.push(node) === undefined) named.set(name, [node]);
  };
  for (const node of definitions) {
    if (isSchema(node)) for (const { type } of node.operationTypes ?? []) roots.add(type.name.value);
    if (!isTypeDefinitionNode(node)) continue;
    add(node.name.value, node);
    if ('interfaces' in node) for (const { name } of node.interfaces ?? []) add(name.value, node);
  }
  const reached = new Set<DefinitionNode>();
  const waiting = definitions.filter(
    (node) => !isTypeDefinitionNode(node) || roots.has(node.name.value) || directive(node, 'key'),
  );
  const follow = (name: string) => {
    waiting.push(...(named.get(name) ?? []));
    named.delete(name);
  };
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    if (isTypeDefinitionNode(node)) follow(node.name.value);
    visit(node, { NamedType: ({ name }) => follow(name.value) });
  }
  return definitions.filter((node) => reached.has(node));
}
