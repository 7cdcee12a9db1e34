import { Kind, parse, type DirectiveNode } from 'graphql';

export interface SubgraphLocation {
  readonly name: string;
  /** Empty if the supergraph has no URL for it. */
  readonly url: string;
}

/** The subgraphs that a supergraph is composed of: the values of `join__Graph` (join specification, `@join__graph`). */
export function listSubgraphs(supergraphSdl: string): SubgraphLocation[] {
  const values = parse(supergraphSdl, { noLocation: true }).definitions.flatMap((definition) =>
    definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph'
      ? (definition.values ?? [])
      : [],
  );
  return values.flatMap(({ directives = [] }) =>
    directives
      .filter(({ name }) => name.value === 'join__graph')
      .map((directive) => ({ name: argument(directive, 'name'), url: argument(directive, 'url') })),
  );
}

function argument(directive: DirectiveNode, name: string): string {
  const value = directive.arguments?.find((node) => node.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : '';
}
