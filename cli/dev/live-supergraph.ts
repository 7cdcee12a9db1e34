import type { ComposeFileOptions, FileComposition, SubgraphSchema } from '../../schema';
import { CommandFailure } from '../context';
import type * as Schema from '../../schema';
import type { MockServer } from './mocks/mock-server';
import type { Output } from './output';
import type { SubgraphProcesses } from './subgraph-processes';
import type { SupergraphFeed } from './supergraph-feed';

/** Loaded only when it is needed, as it takes long. */
const loadSchema = () => require('../../schema') as typeof Schema;

export interface LiveSupergraphOptions {
  readonly source: ComposeFileOptions;
  readonly processes: SubgraphProcesses;
  readonly mocks: MockServer | undefined;
  /** Resolves when the processes have started for the first time. */
  readonly started: Promise<void>;
  readonly feed: SupergraphFeed;
  readonly output: Output;
}

export interface LiveSupergraph {
  /** Rejects with a {@link CommandFailure} if there is no first supergraph. */
  readonly first: Promise<void>;
  stop(): Promise<void>;
}

/** Passes the supergraph of a configuration to the gateway, and a new one after each edit. */
export async function keepLive(options: LiveSupergraphOptions): Promise<LiveSupergraph> {
  const { source, started, feed, output } = options;
  let first: Promise<void> | undefined;
  let latest: Promise<void>;
  let isBroken = false;
  const watch = await loadSchema().watchSupergraph({
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
      // If composition failed, the processes are not awaited: its errors are clearer than those of a subgraph.
      first = latest = composition.errors ? apply() : started.then(apply);
      first.catch((error: unknown) => feed.fail(error as Error));
    },
  });
  return { first: first!, stop: () => watch.close() };
}

/**
 * Makes a composition live: first the subgraphs whose schema changed, then the gateway, so that it never requests a
 * field that does not exist yet. If composition or a start fails, nothing changes. Resolves with whether anything
 * changed or was reported.
 * @throws {CommandFailure} if there is no earlier supergraph.
 */
async function goLive(
  composition: FileComposition,
  { processes, mocks, feed, output }: LiveSupergraphOptions,
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
  mocks?.take(subgraphs, composition.supergraphSdl);
  const isNew = feed.push(
    routed(composition, subgraphs, new Map([...processes.urls, ...(mocks?.urls ?? [])])),
  );
  await processes.prune(config);
  if (isNew && !isFirst)
    output.say(`the new supergraph is live, after ${((performance.now() - since) / 1000).toFixed(1)} s.`);
  return isNew;
}

function reportProblems({ errors, hints }: FileComposition, output: Output): void {
  const { formatProblem } = loadSchema();
  for (const problem of errors ?? hints) output.say(formatProblem(problem));
}

/** The supergraph with the real addresses of the subgraphs. */
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
  // It cannot fail: the same schemas have composed before, and composition only copies the addresses.
  return loadSchema().composeSupergraph({ subgraphs: moved }).supergraphSdl!;
}
