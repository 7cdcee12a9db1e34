import { readFile } from 'node:fs/promises';
import { firstQuery } from '../../gateway/process/clients/first-query';
import { proxiesOf, useProxies } from '../../gateway/net/outgoing';
import { modesIn } from '../../gateway/options/auth';
import { hideInUrls } from '../../gateway/options/urls';
import {
  apiSchemaOf,
  composeSupergraph,
  type FileComposition,
  formatProblem,
  loadSupergraphConfig,
  type Problem,
  type SubgraphConfig,
  type SubgraphSchema,
  type SupergraphConfig,
  watchSupergraph,
} from '../../schema';
import { CommandFailure, type Context } from '../context';
import { introspectAsGateway } from '../registry/introspect-as-gateway';
import { isListening, untilListening } from './subgraph-command';
import { Commands } from './subgraph-commands';
import { failWithProblems } from './failed-problems';
import { isOnThisMachine } from './ports';
import { gatewayPorts, type Graph, type GraphOptions } from './graph';
import type { MockServer } from './mocks/mock-server';
import type { Output } from './output';
import { StoppedError } from './running-parts';
import { createSupergraphFeed, type SupergraphFeed } from './supergraph-feed';

/**
 * The user's own graph. Runs the commands of a supergraph configuration, introspects the subgraphs, composes and
 * watches. Waits for subgraphs that do not answer yet. A broken composition changes nothing.
 */
export async function startOwnGraph({
  file,
  over,
  context: { env, signal },
  output,
  parts,
  options,
  ports,
  mocks,
  onSubgraphs,
  logLevel,
}: GraphOptions): Promise<Graph> {
  let refresh = (): void => undefined;
  let composesWith: LiveGraph['composesWith'] = () => Promise.resolve(true);
  const commands = await parts.add(
    new Commands({
      ports,
      otherPorts: () => gatewayPorts(options()),
      env: { ...env, LOG_LEVEL: logLevel },
      output,
      mayRestart: (subgraph) => composesWith(subgraph),
      onReady: () => refresh(),
    }),
  );
  const source = { file, env, load: over && (() => over.load()) };
  // An invalid configuration, or a port that is taken, ends the command.
  const config = await (over?.load() ?? loadSupergraphConfig(source)).catch(failWithProblems);
  mocks?.check(config);
  const start = (given: SupergraphConfig): Promise<SupergraphConfig> =>
    commands.apply(mocks?.replaceIn(given) ?? given);
  await start(config);

  const feed = createSupergraphFeed((outcome) => {
    if (outcome.result === 'refused')
      output.say(`${outcome.reason}\nthe graph goes on with the last supergraph.`);
    else live.confirm(outcome.supergraphSdl);
  });
  signal.addEventListener('abort', () => feed.fail(new StoppedError()), { once: true });
  const others = new OtherSubgraphs(output, signal);
  const live = new LiveGraph({ feed, commands, mocks, output, onSubgraphs });
  composesWith = (subgraph) => live.composesWith(subgraph);
  takeProxies(env);
  const introspection = introspectAsGateway(options);
  const say = onceInARow(output);
  const watch = await watchSupergraph({
    ...source,
    sign: introspection.sign,
    fetch: introspection.fetch,
    mocked: mocks?.names,
    prepare: async (config) => {
      const { subgraphs } = mocks?.replaceIn(config) ?? config;
      // A call explains why one of a graph is not there.
      others.waitFor(over ? subgraphs.filter(({ routingUrl }) => isOnThisMachine(routingUrl)) : subgraphs);
      try {
        const applied = await start(config);
        say(undefined);
        return applied;
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        say(error.message);
        return config;
      }
    },
    onComposition: (composition) => live.take(composition),
  });
  refresh = () => watch.refresh();
  await parts.add({
    async stop() {
      await watch.close();
      await introspection.close();
    },
  });
  return {
    feed,
    first: Promise.resolve(),
    optionsOf: (configured) => over?.optionsOf(configured) ?? configured,
    describe: ({ auth }) => ({
      watched: `${file} and what ${over ? 'is put over it' : 'it names'} are`,
      subgraphs: live.urls,
      needsCredentials: modesIn(auth).length > 0 && !auth.anonymous,
      query: firstQuery(apiSchemaOf(live.supergraphSdl), () => true)
        .replaceAll(/\s+/g, ' ')
        .trim(),
    }),
  };
}

/** As a gateway does at its start, since subgraphs are introspected before. @throws {CommandFailure} for a wrong proxy */
function takeProxies(env: Context['env']): void {
  try {
    useProxies(proxiesOf(env));
  } catch (error) {
    throw new CommandFailure(`weir: ${(error as Error).message}`, 2);
  }
}

/** Passes compositions to the gateway, and reports their problems. */
class LiveGraph {
  readonly #feed: SupergraphFeed;
  readonly #commands: Commands;
  readonly #mocks: MockServer | undefined;
  readonly #output: Output;
  readonly #onSubgraphs: GraphOptions['onSubgraphs'];
  /** Compositions go live one after the other. */
  #latest = Promise.resolve();
  #isBroken = false;
  #confirmed: string | undefined;
  /** Subgraphs that were reported as not answering. */
  #silent: readonly string[] = [];
  /** The subgraph schemas of the running graph. */
  #subgraphs: readonly SubgraphSchema[] = [];
  supergraphSdl = '';
  urls: ReadonlyMap<string, string> = new Map();

  constructor({
    feed,
    commands,
    mocks,
    output,
    onSubgraphs,
  }: { feed: SupergraphFeed; commands: Commands } & Pick<GraphOptions, 'mocks' | 'output' | 'onSubgraphs'>) {
    this.#feed = feed;
    this.#mocks = mocks;
    this.#onSubgraphs = onSubgraphs;
    this.#commands = commands;
    this.#output = output;
  }

  /**
   * Whether the running graph still composes if the schema file of one subgraph is read again. With a broken schema, the
   * service would not start; until it is mended, the running service matches the running graph.
   */
  async composesWith({ name, schema }: SubgraphConfig): Promise<boolean> {
    const known = this.#subgraphs.find((each) => each.name === name);
    if (schema.kind !== 'file' || known === undefined) return true;
    const sdl = await readFile(schema.path, 'utf8').catch(() => undefined);
    if (sdl === undefined || sdl === known.sdl) return sdl !== undefined;
    const subgraphs = this.#subgraphs.map((each) => (each === known ? { ...each, sdl } : each));
    return composeSupergraph({ subgraphs }).errors === undefined;
  }

  take(composition: FileComposition): void {
    this.#latest = this.#latest.then(() => this.#apply(composition));
  }

  async #apply({ errors, hints, config, subgraphs, supergraphSdl }: FileComposition): Promise<void> {
    this.#report(errors ?? hints.filter(({ subgraph }) => subgraph !== undefined), errors !== undefined);
    const wasBroken = this.#isBroken;
    this.#isBroken = errors !== undefined;
    if (supergraphSdl === undefined) return;
    this.#subgraphs = subgraphs;
    this.#commands.restartPostponed();
    // The gateway must not call a subgraph before it is ready.
    await this.#commands.settled();
    this.supergraphSdl = supergraphSdl;
    this.urls = new Map(config!.subgraphs.map(({ name, routingUrl }) => [name, routingUrl]));
    this.#onSubgraphs(this.urls);
    this.#mocks?.take(subgraphs, supergraphSdl);
    const isNew = this.#feed.push(supergraphSdl);
    if (!isNew && wasBroken) this.#output.say('it composes again, to the supergraph that runs.');
  }

  /** Called when the gateway runs this supergraph. It may be the same one again, with other options. */
  confirm(supergraphSdl: string): void {
    if (this.#confirmed !== undefined && this.#confirmed !== supergraphSdl)
      this.#output.say('the new supergraph is live.');
    this.#confirmed = supergraphSdl;
  }

  /** Prints problems, but not of a command that has not started yet or has ended, which is reported elsewhere. */
  #report(problems: readonly Problem[], isBroken: boolean): void {
    const reported = problems.filter(
      ({ subgraph }) => subgraph === undefined || !this.#commands.isDown(subgraph),
    );
    for (const problem of reported) this.#output.say(formatProblem(problem));
    const silent = reported.flatMap(({ subgraph }) => subgraph ?? []);
    for (const name of this.#silent) if (!silent.includes(name)) this.#output.say(`${name} answers.`);
    this.#silent = silent;
    if (!isBroken || reported.length === 0) return;
    if (this.#feed.isFed) this.#output.say('the graph goes on with the last supergraph that composed.');
    else if (silent.length === reported.length)
      this.#output.say(`waiting for ${silent.join(', ')}: the gateway starts as soon as there is a schema.`);
    else this.#output.say('nothing composes yet: the gateway starts after an edit that does.');
  }
}

/** Subgraphs that are run elsewhere and not introspected. It is only reported whether they answer. */
class OtherSubgraphs {
  readonly #output: Output;
  readonly #signal: AbortSignal;
  /** The URL that was last checked, by name. */
  readonly #places = new Map<string, string>();

  constructor(output: Output, signal: AbortSignal) {
    this.#output = output;
    this.#signal = signal;
  }

  waitFor(subgraphs: readonly SubgraphConfig[]): void {
    for (const { name, routingUrl, schema, command } of subgraphs) {
      if (command || schema.kind === 'url' || this.#places.get(name) === routingUrl) continue;
      this.#places.set(name, routingUrl);
      void this.#look(name, routingUrl);
    }
  }

  async #look(name: string, url: string): Promise<void> {
    if (await isListening(url)) return;
    if (this.#signal.aborted) return;
    this.#output.say(
      `${name} does not answer at ${hideInUrls(url)} yet; until it does, its fields are errors.`,
    );
    if (await untilListening(url, this.#signal, pauseBetweenLooks)) this.#output.say(`${name} answers.`);
  }
}

/** The longest pause between two checks, in milliseconds. */
const pauseBetweenLooks = 2_000;

/** Prints a sentence unless it equals the last one. `undefined` stands for no sentence. */
function onceInARow(output: Output): (sentence: string | undefined) => void {
  let last: string | undefined;
  return (sentence) => {
    if (sentence !== undefined && sentence !== last) output.say(sentence);
    last = sentence;
  };
}
