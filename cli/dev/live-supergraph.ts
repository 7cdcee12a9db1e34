import type { ComposeFileOptions, FileComposition, SubgraphSchema } from '../../schema';
import { CommandFailure } from '../context';
import { lazy } from '../lazy';
import type { Output } from './output';
import type { SubgraphProcesses } from './subgraph-processes';
import type { SupergraphFeed } from './supergraph-feed';

export interface LiveSupergraphOptions {
  readonly source: ComposeFileOptions;
  readonly processes: SubgraphProcesses;
  /** The first start of the processes. */
  readonly started: Promise<void>;
  readonly feed: SupergraphFeed;
  readonly output: Output;
}

export interface LiveSupergraph {
  /** Rejects with a {@link CommandFailure} when there is no supergraph to begin with. */
  readonly first: Promise<void>;
  stop(): Promise<void>;
}

/** Feeds the gateway with the supergraph of a configuration, and with each one that an edit makes of it. */
export async function keepLive(options: LiveSupergraphOptions): Promise<LiveSupergraph> {
  const { source, started, feed, output } = options;
  let first: Promise<void> | undefined;
  let latest: Promise<void>;
  let isBroken = false;
  const watch = await lazy.schema().watchSupergraph({
    ...source,
    onComposition: (composition) => {
      const wasBroken = isBroken;
      isBroken = composition.errors !== undefined;
      const apply = async (): Promise<void> => {
        const isTold = await goLive(composition, options);
        if (wasBroken && !isTold) output.say('it composes again, to the supergraph that runs.');
      };
      if (first) {
        latest = latest.then(apply).catch((error: unknown) => output.say((error as Error).message));
        return;
      }
      // Composition says better than a subgraph what is wrong with a schema: then it is not waited for.
      first = latest = composition.errors ? apply() : started.then(apply);
      first.catch((error: unknown) => feed.fail(error as Error));
    },
  });
  return { first: first!, stop: () => watch.close() };
}

/**
 * Makes a composition live: first the subgraphs whose schema changed, then the gateway, so that it never asks
 * for a field that is not there yet. What does not compose, or does not start, changes nothing. Resolves with whether
 * there was anything to say of it.
 * @throws {CommandFailure} when there is nothing yet to go on with.
 */
async function goLive(
  composition: FileComposition,
  { processes, feed, output }: LiveSupergraphOptions,
): Promise<boolean> {
  const { errors, config, subgraphs } = composition;
  if (errors || !config) {
    reportProblems(composition, output);
    if (!feed.isFed)
      throw new CommandFailure('weir: nothing composes here yet.', composition.unreadable ? 2 : 1);
    output.say('the graph goes on with the last supergraph that composed.');
    return true;
  }
  const since = performance.now();
  await processes.start(config, subgraphs);
  const refused = await processes.applySchemas(subgraphs);
  if (refused.length > 0) {
    output.say(
      `${refused.join(', ')} did not start with the new schema; the graph goes on with the one before.`,
    );
    return true;
  }
  const isFirst = !feed.isFed;
  const isNew = feed.push(routed(composition, subgraphs, processes.urls));
  await processes.prune(config);
  if (isNew && !isFirst)
    output.say(`the new supergraph is live, after ${((performance.now() - since) / 1000).toFixed(1)} s.`);
  return isNew;
}

function reportProblems({ errors, hints }: FileComposition, output: Output): void {
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
