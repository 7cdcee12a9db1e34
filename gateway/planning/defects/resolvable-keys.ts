import { type ConstDirectiveNode, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Lists the keys of each type with those last that a subgraph does not resolve.
 *
 * To come back to a subgraph with what a field requires, the planner takes the first key that the subgraph can give,
 * without a look at whether it can also be entered by it.
 *
 * Upstream: https://github.com/apollographql/federation/pull/3137 mended it, and pull/3144 took the mend back.
 */
export const withResolvableKeysFirst = (supergraph: DocumentNode): DocumentNode =>
  visit(supergraph, {
    ObjectTypeDefinition: (node) => ({ ...node, directives: sorted(node.directives ?? []) }),
    InterfaceTypeDefinition: (node) => ({ ...node, directives: sorted(node.directives ?? []) }),
  });

const sorted = (directives: readonly ConstDirectiveNode[]): ConstDirectiveNode[] => [
  ...directives.filter((directive) => !isUnresolvable(directive)),
  ...directives.filter(isUnresolvable),
];

const isUnresolvable = ({ name, arguments: args = [] }: ConstDirectiveNode): boolean =>
  name.value === 'join__type' &&
  args.some(
    (argument) =>
      argument.name.value === 'resolvable' && argument.value.kind === Kind.BOOLEAN && !argument.value.value,
  );
