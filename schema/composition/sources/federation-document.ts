/** The schema of a subgraph as Apollo's composer takes it. */
import {
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  parse,
  type TypeDefinitionNode,
  visit,
} from 'graphql';
import { type Annotated, applied, directive } from '../../supergraph/sdl';
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
  const isLinked = definitions.some((node) =>
    applied(node as Annotated, 'link').some(({ url }) => String(url).startsWith(federation)),
  );
  return isLinked ? document : { ...document, definitions: [linkFor(document), ...document.definitions] };
}

const federation = 'https://specs.apollo.dev/federation/';

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
  const names = new Set(['Query', 'Mutation', 'Subscription']);
  /** What leads on from a type: its definition, and the objects of an interface. */
  const leading = new Map<string, TypeDefinitionNode[]>();
  const follow = (node: DefinitionNode) =>
    visit(node, { NamedType: ({ name }) => void names.add(name.value) });
  for (const node of definitions) {
    if (!isTypeDefinitionNode(node)) {
      follow(node);
      continue;
    }
    if (directive(node, 'key') !== undefined) names.add(node.name.value);
    for (const { name } of [node, ...(('interfaces' in node && node.interfaces) || [])])
      if (leading.get(name.value)?.push(node) === undefined) leading.set(name.value, [node]);
  }
  for (const name of names)
    for (const node of leading.get(name) ?? [])
      if (node.name.value === name) follow(node);
      else names.add(node.name.value);
  return definitions.filter((node) => !isTypeDefinitionNode(node) || names.has(node.name.value));
}
