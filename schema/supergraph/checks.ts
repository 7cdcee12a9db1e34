/** What a supergraph must be, so that it can be planned. */
import {
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  specifiedScalarTypes,
  type TypeNode,
} from 'graphql';
import { type Features } from './features';
import { fieldSetProblems } from './field-set-checks';
import { applied, namedTypeOf } from './sdl';
import { sourceFeature } from './sources/sources-of';
import { type SlicedWork } from './sliced-work';

/** Throws an `Error` with all reasons why the supergraph is refused. */
export function* checkSupergraph(supergraph: DocumentNode, features: Features): SlicedWork<void> {
  const { definitions } = supergraph;
  const graphs = definitions.find(
    (node) => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph',
  );
  if (graphs === undefined)
    throw new Error('This is not a supergraph: it has no `join__Graph` that lists its subgraphs.');
  const problems = [...featureProblems(features), ...rootProblems(definitions)];
  for (const work of [typeProblems(definitions), fieldSetProblems(definitions)])
    for (const problem of work)
      if (problem === undefined) yield;
      else problems.push(problem);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function* featureProblems(features: Features): Iterable<string> {
  const { all } = features;
  if (all.length === 0) yield 'The supergraph links no features: it needs `@link` or `@core`.';
  else if (features.named('join') === undefined)
    yield 'The supergraph does not link the `join` specification.';
  for (const { identity, purpose, url } of all) {
    const isNeeded =
      purpose === 'EXECUTION' || purpose === 'SECURITY' || url === 'https://specs.apollo.dev/core/v0.1';
    if (identity === 'https://specs.apollo.dev/federation' && /\/v3\.\d+$/.test(url))
      yield `The supergraph is of Federation 3 (${url}): Weir runs supergraphs of Federation 1 and 2.`;
    else if (isNeeded && !supportedFeatures.has(url))
      yield `feature ${url} is for: ${String(purpose)} but is unsupported`;
    else if (checkedFeatures.has(identity) && !supportedFeatures.has(url))
      yield `The supergraph needs ${url}, which Weir does not know.`;
  }
}

/** Features whose versions matter even where nothing says that the supergraph needs them. */
const checkedFeatures = new Set(
  ['join', 'context', 'cost'].map((name) => `https://specs.apollo.dev/${name}`),
);

/** The features for execution or security that Weir implements. A supergraph that uses another is refused. */
const supportedFeatures = new Set([
  'https://specs.apollo.dev/core/v0.1',
  'https://specs.apollo.dev/core/v0.2',
  'https://specs.apollo.dev/join/v0.1',
  'https://specs.apollo.dev/join/v0.2',
  'https://specs.apollo.dev/join/v0.3',
  'https://specs.apollo.dev/join/v0.4',
  'https://specs.apollo.dev/join/v0.5',
  'https://specs.apollo.dev/tag/v0.1',
  'https://specs.apollo.dev/tag/v0.2',
  'https://specs.apollo.dev/tag/v0.3',
  'https://specs.apollo.dev/inaccessible/v0.1',
  'https://specs.apollo.dev/inaccessible/v0.2',
  'https://specs.apollo.dev/context/v0.1',
  'https://specs.apollo.dev/authenticated/v0.1',
  'https://specs.apollo.dev/requiresScopes/v0.1',
  'https://specs.apollo.dev/policy/v0.1',
  'https://specs.apollo.dev/cost/v0.1',
  'https://specs.apollo.dev/cacheTag/v0.1',
  sourceFeature,
]);

/** Names that stand for no definition. Undefined: the work can be left there. */
function* typeProblems(definitions: readonly DefinitionNode[]): Iterable<string | undefined> {
  const types = new Set<string>(specifiedScalarTypes.map(({ name }) => name));
  for (const node of definitions) {
    if (!isTypeDefinitionNode(node)) continue;
    if (types.has(node.name.value) && node.kind !== Kind.SCALAR_TYPE_DEFINITION)
      yield `There can be only one type named "${node.name.value}".`;
    types.add(node.name.value);
  }
  for (const node of definitions) {
    if (!isTypeDefinitionNode(node)) continue;
    const where = node.name.value;
    const named: { readonly type: TypeNode; readonly of: string }[] = [];
    if ('interfaces' in node) for (const type of node.interfaces ?? []) named.push({ type, of: where });
    if ('types' in node) for (const type of node.types ?? []) named.push({ type, of: where });
    if ('fields' in node)
      for (const field of node.fields ?? []) {
        const of = `${where}.${field.name.value}`;
        named.push({ type: field.type, of });
        if (field.kind === Kind.FIELD_DEFINITION)
          for (const { name, type } of field.arguments ?? [])
            named.push({ type, of: `${of}(${name.value}:)` });
      }
    for (const { of, type } of named) {
      const name = namedTypeOf(type);
      if (!types.has(name)) yield `Unknown type "${name}", which ${of} names.`;
    }
    yield undefined;
  }
}

function* rootProblems(definitions: readonly DefinitionNode[]): Iterable<string> {
  const roots = new Map([['query', 'Query']]);
  for (const node of definitions)
    if (node.kind === Kind.SCHEMA_DEFINITION)
      for (const { operation, type } of node.operationTypes) roots.set(operation, type.name.value);
  for (const [operation, name] of roots) {
    const type = definitions.find((node) => isTypeDefinitionNode(node) && node.name.value === name);
    if (type?.kind !== Kind.OBJECT_TYPE_DEFINITION)
      yield `The ${operation} type "${name}" of the supergraph must be an object type that it defines.`;
    else if (applied(type, 'join__type').length === 0 && usesJoinTypes(definitions))
      yield `The ${operation} type "${name}" of the supergraph is of no subgraph: it needs \`@join__type\`.`;
  }
}

/** Version 0.1 of `join` says nothing of root types. */
const usesJoinTypes = (definitions: readonly DefinitionNode[]): boolean =>
  definitions.some(
    (node) =>
      node.kind === Kind.DIRECTIVE_DEFINITION &&
      node.name.value === 'join__type' &&
      node.arguments?.some(({ name }) => name.value === 'isInterfaceObject' || name.value === 'resolvable'),
  );
