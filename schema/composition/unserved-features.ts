import { type DirectiveNode, type DocumentNode, Kind } from 'graphql';
import { applied } from '../supergraph/sdl';

/** Features that composition accepts and the gateway does not support: it refuses supergraphs with one of them. */
export const unservedFeatures = [
  { identity: 'https://specs.apollo.dev/connect', name: 'Apollo Connectors, `@connect` and `@source`' },
] as const;

/** A use of `@link` (https://specs.apollo.dev/link/v1.0). */
export interface FeatureLink {
  /** Such as `2.9`. */
  readonly version: string;
  readonly node: DirectiveNode;
}

/** The links of a schema to a feature. */
export function linksOf({ definitions }: DocumentNode, identity: string): FeatureLink[] {
  return definitions.flatMap((node) => {
    if (node.kind !== Kind.SCHEMA_DEFINITION && node.kind !== Kind.SCHEMA_EXTENSION) return [];
    return (node.directives ?? []).flatMap((directive) => {
      const [{ url, feature = url } = {}] = applied({ directives: [directive] }, directive.name.value);
      const isOfIt = typeof feature === 'string' && feature.startsWith(`${identity}/v`);
      return isOfIt ? [{ version: feature.slice(identity.length + 2), node: directive }] : [];
    });
  });
}
