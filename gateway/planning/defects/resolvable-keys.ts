import { type ConstDirectiveNode, type DocumentNode, Kind, visit } from 'graphql';

/**
 * Sorts the keys of each type: those that a subgraph cannot resolve come last.
 *
 * To return to a subgraph with the required fields, the planner takes the first key that the subgraph provides, without
 * checking that the subgraph can also resolve it.
 *
 * Upstream: https://github.com/apollographql/federation/pull/3137 fixed it, and pull/3144 reverted the fix.
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
