import type { FileComposition, SubgraphSchema } from '../../schema';
import { CommandFailure } from '../context';
import { lazy } from '../lazy';
import type { Output } from './output';
import type { SubgraphProcesses } from './subgraph-processes';
import type { SupergraphFeed } from './supergraph-feed';

export interface LiveSupergraphOptions {
  readonly processes: SubgraphProcesses;
  readonly feed: SupergraphFeed;
  readonly output: Output;
}

/**
 * Makes a composition live: first the subgraphs whose schema changed, then the gateway, so that it never asks
 * for a field that is not there yet. What does not compose, or does not start, changes nothing.
 * @throws {CommandFailure} when there is nothing yet to go on with.
 */
export async function goLive(
  composition: FileComposition,
  { processes, feed, output }: LiveSupergraphOptions,
): Promise<void> {
  const { errors, config, subgraphs } = composition;
  if (errors || !config) {
    reportProblems(composition, output);
    if (!feed.isFed)
      throw new CommandFailure('weir: nothing composes here yet.', composition.unreadable ? 2 : 1);
    output.say('the graph goes on with the last supergraph that composed.');
    return;
  }
  const since = performance.now();
  await processes.start(config, subgraphs);
  const refused = await processes.applySchemas(subgraphs);
  if (refused.length > 0) {
    output.say(
      `${refused.join(', ')} did not start with the new schema; the graph goes on with the one before.`,
    );
    return;
  }
  const isFirst = !feed.isFed;
  const isNew = feed.push(routed(composition, subgraphs, processes.urls));
  await processes.prune(config);
  if (isNew && !isFirst)
    output.say(`the new supergraph is live, after ${((performance.now() - since) / 1000).toFixed(1)} s.`);
}

export function reportProblems({ errors, hints }: FileComposition, output: Output): void {
  const { formatProblem } = lazy.schema();
  for (const problem of errors ?? hints) output.say(formatProblem(problem));
}

/** The supergraph with the addresses where the subgraphs really are. */
function routed(
  { supergraphSdl = '' }: FileComposition,
  subgraphs: readonly SubgraphSchema[],
  urls: ReadonlyMap<string, string>,
): string {
  if (subgraphs.every(({ name, routingUrl }) => (urls.get(name) ?? routingUrl) === routingUrl))
    return supergraphSdl;
  const moved = subgraphs.map((subgraph) => ({
    ...subgraph,
    routingUrl: urls.get(subgraph.name) ?? subgraph.routingUrl,
  }));
  // Composed before with other addresses, which composition only copies.
  return lazy.schema().composeSupergraph({ subgraphs: moved }).supergraphSdl!;
}
