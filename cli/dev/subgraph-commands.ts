import { isDeepStrictEqual } from 'node:util';
import type { FSWatcher } from 'chokidar';
import type { SubgraphConfig, SupergraphConfig } from '../../schema';
import type { Context } from '../context';
import { addressVariables } from './address-variables';
import { startCommand } from './subgraph-command';
import type { Output } from './output';
import { freePorts, isOnThisMachine, type NeededPort, portOf, requireFreePorts, withPort } from './ports';
import { serviceName } from './service-name';
import { describeExit, supervise, type Supervised } from './supervisor';

export interface CommandsOptions {
  /** `free` gives each command a free port; `configured` that of its routing URL. */
  readonly ports: 'free' | 'configured';
  /** Other ports that will be used on this machine. Called only if a port is taken at the start. */
  readonly otherPorts: () => readonly NeededPort[];
  readonly env: Context['env'];
  readonly output: Output;
  /**
   * Whether a running command may be restarted after an edit of what it watches. If not, it keeps running until
   * `restartPostponed` is called. @default always
   */
  readonly mayRestart?: (subgraph: SubgraphConfig) => Promise<boolean>;
  /** Called when a subgraph begins to answer. */
  readonly onReady: () => void;
  /** Milliseconds before the first restart of a command that has ended. @default 1_000 */
  readonly delay?: number;
  /** Milliseconds after which a slow start is reported. @default 10_000 */
  readonly patience?: number;
}

interface RunningCommand {
  /** The entry in the configuration. */
  readonly subgraph: SubgraphConfig;
  /** The URL for the gateway. */
  readonly url: string;
  readonly supervised: Supervised;
  readonly watcher: FSWatcher | undefined;
  /** Resolves when the start in progress has succeeded or failed. */
  settled: Promise<unknown>;
  isReady: boolean;
  /** Whether the restart for the last edit was postponed. */
  isPostponed: boolean;
  readonly restart: () => void;
}

/** Runs the commands of a supergraph configuration. */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #running = new Map<string, RunningCommand>();
  /** Of all subgraphs of the configuration, by name. */
  #urls: ReadonlyMap<string, string> = new Map();
  #isStopped = false;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /**
   * Starts new commands of a configuration, restarts changed ones and stops removed ones, without waiting until they
   * answer. Resolves with the configuration, with the real URLs of the subgraphs.
   * @throws {CommandFailure} if a port is taken
   */
  async apply(config: SupergraphConfig): Promise<SupergraphConfig> {
    const isSame = (one: SubgraphConfig, { subgraph }: RunningCommand): boolean =>
      one.routingUrl === subgraph.routingUrl && isDeepStrictEqual(one.command, subgraph.command);
    const gone = [...this.#running.values()].filter(
      (each) => !config.subgraphs.some((one) => one.name === each.subgraph.name && isSame(one, each)),
    );
    for (const { subgraph } of gone) this.#running.delete(subgraph.name);
    await Promise.all(gone.map(end));
    const added = config.subgraphs.filter(({ name, command }) => command && !this.#running.has(name));
    const ports = await this.#portsFor(added);
    this.#urls = new Map(
      config.subgraphs.map((each) => {
        const { name, routingUrl } = each;
        return [name, this.#running.get(name)?.url ?? withPort(routingUrl, ports[added.indexOf(each)])];
      }),
    );
    await Promise.all(
      added.map(async (subgraph, index) => {
        const running = await this.#start(subgraph, withPort(subgraph.routingUrl, ports[index]));
        this.#running.set(subgraph.name, running);
        if (this.#isStopped) await end(running);
      }),
    );
    return { ...config, subgraphs: config.subgraphs.map((subgraph) => this.#moved(subgraph)) };
  }

  /** Whether the subgraph has a command and does not answer. */
  isDown(name: string): boolean {
    return this.#running.get(name)?.isReady === false;
  }

  /** Resolves when no start is in progress: each command is ready, or has ended and will be restarted. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#running.values(), ({ settled }) => settled));
  }

  /** Restarts the commands whose restart was postponed. */
  restartPostponed(): void {
    for (const running of this.#running.values()) if (running.isPostponed) running.restart();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(Array.from(this.#running.values(), end));
  }

  async #portsFor(added: readonly SubgraphConfig[]): Promise<(number | undefined)[]> {
    const { ports, otherPorts } = this.#options;
    if (ports === 'free') return freePorts(added.length);
    const needed = added
      .filter(({ routingUrl }) => isOnThisMachine(routingUrl))
      .map(({ name, routingUrl }) => ({ port: Number(portOf(routingUrl)), of: name }));
    await requireFreePorts(needed, this.#running.size === 0 ? otherPorts : () => []);
    return [];
  }

  async #start(subgraph: SubgraphConfig, url: string): Promise<RunningCommand> {
    const { output, env, delay, mayRestart = () => Promise.resolve(true) } = this.#options;
    const { name, command } = subgraph;
    const { line, folder, watch } = command!;
    const watcher = watch.length === 0 ? undefined : await watchFiles(watch, () => void edited());
    const supervised = supervise({
      startChild: () => {
        const child = startCommand({
          ...{ line, folder, url },
          env: { ...addressVariables(this.#urls), ...env, ...serviceName(env, name), PORT: portOf(url) },
          onLine: (text) => output.line(name, text),
        });
        void child.exit.then(() => (running.isReady = false));
        void child.ready.then((address) => {
          if (address === undefined) return;
          running.isReady = true;
          this.#options.onReady();
        });
        return child;
      },
      onDeath: (exit, pause) =>
        output.say(
          `${name} ${describeExit(exit)}; it is started again in ${pause / 1000} s${watcher ? ', or after an edit' : ''}.`,
        ),
      onRecovery: () => output.say(`${name} is back.`),
      ...(delay === undefined ? {} : { delay }),
    });
    const sayIfSlow = this.#sayIfSlow(name, url, supervised.started);
    const running: RunningCommand = {
      ...{ subgraph, url, supervised, watcher },
      settled: Promise.race([supervised.started, sayIfSlow]),
      isReady: false,
      isPostponed: false,
      restart: () => {
        output.say(`${name} is started anew after an edit.`);
        running.isReady = running.isPostponed = false;
        running.settled = supervised.restart().then((start) => {
          if ('url' in start) output.say(`${name} is back.`);
        });
      },
    };
    const edited = async (): Promise<void> => {
      if (running.isPostponed) return;
      const may = !running.isReady || (await mayRestart(subgraph));
      if (this.#isStopped || this.#running.get(name) !== running) return;
      if (may) {
        running.restart();
        return;
      }
      running.isPostponed = true;
      output.say(`${name} keeps running as it was before the edit, because its schema does not compose.`);
    };
    return running;
  }

  /** Reports a slow start. Resolves once the start is so slow that nothing should wait for it. */
  #sayIfSlow(name: string, url: string, started: Promise<unknown>): Promise<void> {
    const { host } = new URL(url);
    const { patience = 10_000 } = this.#options;
    return new Promise((isSlow) => {
      const timer = setTimeout(() => {
        this.#options.output.say(
          `${name} is not there yet: its command runs, but nobody listens at ${host}; PORT is ${portOf(url)} for it.`,
        );
        isSlow();
      }, patience);
      void started.then(() => clearTimeout(timer));
    });
  }

  #moved(subgraph: SubgraphConfig): SubgraphConfig {
    const { name, routingUrl, schema } = subgraph;
    const url = this.#running.get(name)?.url;
    if (url === undefined || url === routingUrl) return subgraph;
    const isThere = schema.kind === 'url' && new URL(schema.url).host === new URL(routingUrl).host;
    return {
      ...{ ...subgraph, routingUrl: url },
      schema: isThere ? { ...schema, url: withPort(schema.url, Number(portOf(url))) } : schema,
    };
  }
}

async function end({ supervised, watcher }: RunningCommand): Promise<void> {
  await Promise.all([watcher?.close(), supervised.stop()]);
}

/** Milliseconds without an edit before a restart: editors write a file in several steps. */
const quiet = 100;

async function watchFiles(paths: readonly string[], onEdit: () => void): Promise<FSWatcher> {
  // Loaded here, as loading is slow.
  const { watch } = await import('chokidar');
  const ignored = (path: string): boolean => /[\\/](node_modules|\.[^\\/]+)$/.test(path);
  const watcher = watch([...paths], { ignoreInitial: true, ignored });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!watcher.closed) onEdit();
    }, quiet);
  });
  await new Promise<void>((ready) => watcher.once('ready', ready));
  return watcher;
}
