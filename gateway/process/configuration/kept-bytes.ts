import type { Options } from '../../options';
import { isOfDefaultGraph } from '../../options/graphs';

/** How many bytes of texts that clients have sent a graph keeps, of each kind: the default graph as much as all others. */
export const keptBytes = (options: Options): number =>
  isOfDefaultGraph(options) ? mostBytes : Math.floor(mostBytes / options.graphs!.open);

/** 16 MiB. */
const mostBytes = 16 * 1024 * 1024;
