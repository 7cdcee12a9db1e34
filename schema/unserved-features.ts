import { type DocumentNode, Kind, type Location } from 'graphql';

/** Features that composition accepts and the gateway does not support: it refuses supergraphs with one of them. */
export const unservedFeatures = [
  { identity: 'https://specs.apollo.dev/connect', name: 'Apollo Connectors, `@connect` and `@source`' },
] as const;

/** The locations where a schema links a feature. */
export function linksOf({ definitions }: DocumentNode, identity: string): Location[] {
  return definitions
    .flatMap((node) =>
      node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
        ? (node.directives ?? [])
        : [],
    )
    .filter(({ arguments: args = [] }) =>
      args.some(({ value }) => value.kind === Kind.STRING && value.value.startsWith(`${identity}/`)),
    )
    .flatMap(({ loc }) => (loc === undefined ? [] : [loc]));
}
