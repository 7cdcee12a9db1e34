import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { GatewayOptions, InvalidateFor, LoadOptions, Options, Peers, RunningGateway } from '../gateway';
import { CommandFailure, type Context, untilStopped } from './context';
import { lazy } from './lazy';
import { linkKeysIn } from './private-link';
import { type OptionsWatch, watchOptions } from './watch-options';
import { mergeMetrics } from './worker-metrics';
import { handedConnections } from './shared-port';
import { setServingFlags } from './v8-flags';
import { answerTo, ask } from './worker-messages';
import { type ReadyMessage, startWorkers, WorkerStartError } from './workers';

/** The flags that `weir gateway` and `weir dev` have in common; each stands for an option of the gateway. */
export interface GatewayFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly mode?: 'development' | 'production';
  readonly adminPort?: string;
  readonly logLevel?: string;
}

type GatewayOptionFlags = NonNullable<LoadOptions['flags']>;

/**
 * `weir gateway`: the gateway alone, in front of any Federation 2 supergraph. Longer than other files: one process, a
 * primary and its workers start, take other options and stop in the same steps.
 */
export function gatewayCommand(context: Context): Command {
  return addGatewayFlags(new Command('gateway'))
    .summary('run the gateway in front of a supergraph')
    .description(
      'Runs the gateway in front of the subgraphs of a supergraph. It keeps the last good supergraph if a new one ' +
        'cannot be run. docs/configuration.md lists all options; flags override the file. An edit of the file, or of ' +
        'a manifest that it names, is live within a second without a restart, or at once with SIGHUP. Invalid options ' +
        'are reported, and the previous ones stay in use. Without `privateLinks`, the keys of WEIR_LINK_KEYS or ' +
        'WEIR_LINK_KEYS_FILE sign calls, as subgraphs have them.',
    )
    .option(
      '-s, --supergraph <SOURCE>',
      'a file, an http(s) or s3:// URL, or registry:LOCATION#GRAPH@VARIANT; changes are live without a restart',
    )
    .addOption(
      new Option(
        '--mode <MODE>',
        'development adds Apollo Sandbox, GraphiQL, introspection and query plans',
      ).choices(['development', 'production']),
    )
    .option(
      '-w, --workers <N>',
      'how many processes share the port; `auto` is one per core (default: 1)',
      workerCount,
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir gateway --supergraph schema/supergraph.graphql\n' +
        '  $ weir gateway --supergraph https://example.com/supergraph.graphql --port 8080\n' +
        "  $ weir gateway --supergraph 'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod'\n" +
        '  $ weir gateway --config weir.yaml --mode development\n' +
        '  $ weir gateway --config weir.yaml --workers auto',
    )
    .action((flags: OwnFlags) =>
      flags.workers !== undefined && flags.workers > 1 && cluster.isPrimary
        ? runPrimary(flags.workers, flags, context)
        : runGateway(flags, context),
    );
}

interface OwnFlags extends GatewayFlags {
  readonly supergraph?: string;
  readonly workers?: number;
}

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism();
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 999, or `auto`.');
}

export function addGatewayFlags(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'options of the gateway, in YAML')
    .option('-p, --port <N>', 'the port to listen on, 0 for a free one (default: 4000)')
    .option('--host <HOST>', 'the address to listen on (default: 127.0.0.1)')
    .option('--admin-port <N>', 'the port of metrics and health (default: 9464)')
    .option('--log-level <LEVEL>', 'the least important log lines to print, such as warn or debug');
}

/** As the gateway's `loadOptions` takes them; it checks them. */
export function toOptions({ host, port, mode, adminPort, logLevel }: GatewayFlags): GatewayOptionFlags {
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(mode === undefined ? {} : { mode }),
    ...(adminPort === undefined ? {} : { admin: { port: adminPort } }),
    ...(logLevel === undefined ? {} : { logging: { level: logLevel } }),
  };
}

async function runGateway(flags: OwnFlags, context: Context): Promise<void> {
  setServingFlags();
  if (cluster.worker !== undefined) return runWorker(cluster.worker.id, flags, context);
  const say = (sentence: string): void => void context.stderr.write(`${sentence}\n`);
  const watch = watchOptions(flags.config);
  const readAndFollow = (): Options => {
    const options = readOptions(flags, context);
    watch.follow(options);
    return options;
  };
  try {
    const gateway = await start(readAndFollow);
    say(`weir: the gateway answers at ${gateway.url}`);
    watch.begin(() => {
      if (context.signal.aborted) return Promise.resolve();
      return withOptionsErrors(() => gateway.reload(readAndFollow)).then(
        () => say('weir: the new options are live'),
        (error: unknown) => say(`${(error as Error).message}\nweir: the previous options stay in use`),
      );
    });
    await untilStopped(context);
    await gateway.stop();
  } finally {
    // Not before: SIGHUP would end the process in the middle of its requests.
    watch.stop();
  }
}

/** Whoever started the workers replaces them when the options change. */
async function runWorker(id: number, flags: OwnFlags, context: Context): Promise<void> {
  const gateway = await start(() => inWorker(readOptions(flags, context), id));
  answerPrimary(gateway);
  await untilStopped(context);
  await gateway.stop();
}

const start = (read: () => GatewayOptions): Promise<RunningGateway> =>
  withOptionsErrors(async () => lazy.gateway().startGateway(read()));

/**
 * The process that started the workers serves their metrics. Each has files of its own for its audit trails: a chain
 * has one writer.
 */
const inWorker = (options: Options, worker: number): GatewayOptions => ({
  ...options,
  clientConnections: handedConnections(),
  peers: otherWorkers,
  admin: { ...options.admin, enabled: false },
  audit: {
    ...options.audit,
    trails: options.audit.trails.map((trail) =>
      trail.to === 'stdout' ? trail : { ...trail, to: `${trail.to}.worker-${worker}` },
    ),
  },
});

/** In a worker: the others, which the primary tells. */
const otherWorkers: Peers = {
  async drop(tags) {
    await ask(process, 'drop', { tags }, 2_000);
  },
  follow(drop) {
    answerTo(process, { drop: ({ tags }) => drop(tags).then(() => undefined) });
  },
};

/** In a worker: says that it is ready, and answers what the primary asks. */
function answerPrimary(gateway: RunningGateway): void {
  answerTo(process, {
    metrics: () => gateway.metrics(),
    invalidate: ({ invalidation, address }) => gateway.invalidate(invalidation, address),
  });
  process.send?.({ type: 'ready' } satisfies ReadyMessage);
}

async function runPrimary(count: number, flags: OwnFlags, context: Context): Promise<void> {
  const watch = watchOptions(flags.config);
  try {
    await runWorkers(count, flags, context, watch);
  } finally {
    watch.stop();
  }
}

async function runWorkers(
  count: number,
  flags: OwnFlags,
  context: Context,
  watch: OptionsWatch,
): Promise<void> {
  const { addressOf, createAdminServer, listen, StoreUnavailable, UnknownNames } = lazy.gateway();
  const options = await withOptionsErrors(() => Promise.resolve(readOptions(flags, context)));
  watch.follow(options);
  const { admin, host, port, path, shutdown, tls } = options;
  const say = (sentence: string): void => void context.stderr.write(`weir: ${sentence}\n`);
  let url!: string;
  const workers = await withOptionsErrors(() =>
    startWorkers({
      count,
      exec: process.argv[1]!,
      args: process.argv.slice(2),
      listen: async (server) => {
        await listen(server, host, port, 'port');
        url = `${addressOf(server.address(), tls === undefined ? 'http' : 'https')}${path}`;
      },
      delay: shutdown.delay,
      grace: shutdown.grace + 1_000,
      say,
    }),
  ).catch((error: unknown) => {
    // The worker has said why.
    throw error instanceof WorkerStartError ? new CommandFailure('', error.exitCode) : error;
  });
  let isStopping = false;

  const invalidate: InvalidateFor = (invalidation, address) =>
    workers.invalidate(invalidation, address).catch((error: unknown) => {
      const { name, message } = error as Error;
      throw name === UnknownNames.name ? new UnknownNames(message) : new StoreUnavailable(error);
    });
  const logger = {
    error: ({ err }: { readonly err: unknown }, message: string): void => say(`${message}: ${String(err)}`),
  };
  const collect = async (): Promise<string> => mergeMetrics(await workers.metrics());
  const adminServer = admin.enabled
    ? createAdminServer({
        metrics: { collect },
        readiness: () => (isStopping ? ['shutting down'] : []),
        token: admin.token,
        invalidation: admin.token === undefined ? undefined : { token: admin.token, invalidate, logger },
      })
    : undefined;
  const reload = (): void => {
    withOptionsErrors(async () => {
      watch.follow(readOptions(flags, context));
      say('replacing the workers one by one');
      await workers.reload();
    }).then(
      () => {
        if (!isStopping) say('the workers are replaced');
      },
      (error: unknown) => {
        if (!isStopping)
          context.stderr.write(`${(error as Error).message}\nweir: the previous options stay in use\n`);
      },
    );
  };
  try {
    await adminServer?.listen({ host: admin.host, port: admin.port });
    say(`${count} workers answer at ${url}`);
    watch.begin(() => {
      if (isStopping) return Promise.resolve();
      // Workers that are being replaced have it done once more, and what is wrong with an edit is said meanwhile.
      reload();
      return Promise.resolve();
    });
    await untilStopped(context);
  } finally {
    isStopping = true;
    await workers.stop();
    await adminServer?.close();
  }
}

function readOptions(flags: OwnFlags, context: Context): Options {
  const options = lazy.gateway().loadOptions({
    config: flags.config,
    flags: {
      ...toOptions(flags),
      ...(flags.supergraph === undefined ? {} : { supergraph: flags.supergraph }),
    },
    env: context.env,
  });
  if (options.supergraph === undefined) {
    throw new CommandFailure(
      'weir: which supergraph? Name it with --supergraph SOURCE: a file, a URL or a registry.',
      2,
    );
  }
  const { keys, keysFile, ...others } = options.privateLinks;
  const given = keys === undefined && keysFile === undefined ? linkKeysIn(context.env) : undefined;
  return given === undefined ? options : { ...options, privateLinks: { ...others, ...given } };
}

/** What is wrong with the options is for the user to mend: a sentence, and exit code 2. */
export async function withOptionsErrors<Result>(run: () => Promise<Result>): Promise<Result> {
  const { OptionsError, SupergraphError } = lazy.gateway();
  try {
    return await run();
  } catch (error) {
    if (error instanceof SupergraphError) throw new CommandFailure(`weir: ${error.message}`, 2);
    if (!(error instanceof OptionsError)) throw error;
    throw new CommandFailure(error.problems.map((problem) => `weir: ${nameFlag(problem)}`).join('\n'), 2);
  }
}

const flagNames: Readonly<Record<string, string>> = {
  host: '--host',
  port: '--port',
  mode: '--mode',
  'admin.port': '--admin-port',
  'logging.level': '--log-level',
};

/** A problem that names an option, and no file that has it, is about the flag for it, or its default. */
function nameFlag(problem: string): string {
  return problem.replace(/^`([\w.]+)`/, (option, name: string) => flagNames[name] ?? option);
}
