import { existsSync } from 'node:fs';

/** The configuration of a supergraph in the working folder. The second one is that of a checkout of Weir. */
export const configHere = (): string =>
  ['supergraph.yaml', 'schema/supergraph.yaml'].find((file) => existsSync(file)) ?? 'supergraph.yaml';
