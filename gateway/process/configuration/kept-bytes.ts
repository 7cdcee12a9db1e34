import type { Options } from '../../options';

/** How many bytes of texts that clients have sent a graph keeps, of each kind: the default graph as much as all others. */
export function keptBytes({ graphs, supergraph }: Options): number {
  const isDefault = graphs === undefined || supergraph?.graph === graphs.default;
  return isDefault ? mostBytes : Math.floor(mostBytes / graphs.open);
}

/** 16 MiB. */
const mostBytes = 16 * 1024 * 1024;
