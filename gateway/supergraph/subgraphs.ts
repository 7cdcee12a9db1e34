import { Kind, parse } from 'graphql';
import { applied } from '../../schema/supergraph/sdl';

export interface SubgraphLocation {
  readonly name: string;
  /** Empty if the supergraph has no URL for it. */
  readonly url: string;
}

/** The subgraphs that a supergraph is composed of: the values of `join__Graph` (join specification, `@join__graph`). */
export function listSubgraphs(supergraphSdl: string): SubgraphLocation[] {
  return parse(supergraphSdl, { noLocation: true }).definitions.flatMap((definition) => {
    if (definition.kind !== Kind.ENUM_TYPE_DEFINITION || definition.name.value !== 'join__Graph') return [];
    const graphs = (definition.values ?? []).flatMap((value) => applied(value, 'join__graph'));
    return graphs.map(({ name, url }) => ({ name: textOf(name), url: textOf(url) }));
  });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
