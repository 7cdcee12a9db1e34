/** Over 300 lines: a single process, a primary and its workers start, reload and stop in the same steps. */
import cluster from 'node:cluster';
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import type {
  GatewayOptions,
  InvalidateFor,
  MetricsFormat,
  OpenConsole,
  Options,
  Peers,
  RunningGateway,
} from '../../gateway';
import { CommandFailure, type Context, untilStopped } from '../context';
import {
  addGatewayFlags,
  addSupergraphFlags,
  type OwnFlags,
  OptionsReader,
  withOptionsErrors,
} from '../gateway-options';
import { lazy } from '../lazy';
import { type OptionsWatch, watchOptions } from '../gateway/watch-options';
import { mergeMetrics } from '../gateway/worker-metrics';
import { handedConnections } from '../gateway/shared-port';
import { answerTo, ask } from '../gateway/worker-messages';
import { callbackKeyVariable, type ReadyMessage, startWorkers, WorkerStartError } from '../gateway/workers';

/** `weir gateway`: runs only the gateway, with any Federation 2 supergraph. */
export function gatewayCommand(context: Context): Command {
  return addSupergraphFlags(addGatewayFlags(new Command('gateway')))
    .summary('run the gateway in front of a supergraph')
    .description(
      'Runs the gateway in front of the subgraphs of a supergraph. It keeps the last good supergraph if a new one ' +
        'cannot be run. docs/configuration.md lists all options; flags override the file. An edit of the file, or of ' +
        'a manifest that it names, is live within two seconds without a restart, or at once with SIGHUP. Invalid ' +
        'options are reported, and the previous ones stay in use, as they do for a file that only leaves out what ' +
        'protects. Without `privateLinks`, the keys of WEIR_LINK_KEYS or ' +
        'WEIR_LINK_KEYS_FILE sign calls, as subgraphs have them.',
    )
    .option(
      '-w, --workers <N>',
      'how many processes share the port; `auto` is one per core (default: 1)',
      workerCount,
    )
    .option('--url-file <FILE>', 'a file that has the URL of the endpoint while the gateway listens')
    .option(
      '--check',
      'only check the options, the files that they name and the supergraph: exit code 0 or 2',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir gateway --supergraph schema/supergraph.graphql\n' +
        '  $ weir gateway --supergraph https://example.com/supergraph.graphql --port 8080\n' +
        "  $ weir gateway --supergraph 'registry:dynamodb://weir-registry?region=eu-west-1#shop@prod'\n" +
        '  $ weir gateway --config weir.yaml --mode development\n' +
        '  $ weir gateway --config weir.yaml --workers auto\n' +
        '  $ weir gateway --config weir.yaml --check',
    )
    .action((flags: OwnFlags) =>
      flags.check === true
        ? check(flags, context)
        : flags.workers !== undefined && flags.workers > 1 && cluster.isPrimary
          ? runPrimary(flags.workers, flags, context)
          : runGateway(flags, context),
    );
}

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism();
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 999, or `auto`.');
}

/**
 * Writes the URL for others on this machine, such as the health check of the image. The gateway also runs if that
 * fails.
 */
function writeUrl(url: string, { urlFile }: OwnFlags, context: Context): void {
  if (urlFile === undefined) return;
  try {
    writeFileSync(urlFile, `${url}\n`);
  } catch (error) {
    context.stderr.write(`weir: --url-file cannot be written: ${(error as Error).message}\n`);
  }
}

function forgetUrl({ urlFile }: OwnFlags): void {
  if (urlFile !== undefined) rmSync(urlFile, { force: true });
}

/** Checks everything that a start would refuse, without starting. */
async function check(flags: OwnFlags, context: Context): Promise<void> {
  const reader = new OptionsReader(flags, context);
  const { subgraphs, unknown, unavailable } = await withOptionsErrors(
    () => lazy.gateway().checkGateway(reader.read()),
    reader,
  );
  const found =
    subgraphs === undefined
      ? `the options are fine. The supergraph was not checked, as it cannot be fetched now: ${unavailable}`
      : `the options are fine, and so is the supergraph of ${subgraphs.join(', ')}.`;
  const notes = unknown.map((name) => {
    const sentence = `\`subgraphs.${name}\` has no effect: the supergraph has no subgraph of this name.`;
    return reader.sources?.describe({ path: ['subgraphs', name], sentence }) ?? sentence;
  });
  context.started?.();
  context.stdout.write([...notes, found].map((line) => `weir: ${line}\n`).join(''));
}

async function runGateway(flags: OwnFlags, context: Context): Promise<void> {
  if (cluster.worker !== undefined) return runWorker(cluster.worker.id, flags, context);
  const say = (sentence: string): void => void context.stderr.write(`${sentence}\n`);
  const watch = watchOptions(flags.config);
  const reader = new OptionsReader(flags, context, watch);
  try {
    const gateway = await start(reader, (options) => options);
    context.started?.();
    say(`weir: the gateway answers at ${gateway.url}`);
    writeUrl(gateway.url, flags, context);
    watch.begin(() => {
      if (context.signal.aborted) return Promise.resolve();
      return withOptionsErrors(() => reader.use((read) => gateway.reload(read)), reader).then(
        (changed) =>
          say(`weir: ${changed === undefined ? 'the options are as they were' : 'the new options are live'}`),
        (error: unknown) => say(`${(error as Error).message}\nweir: the previous options stay in use`),
      );
    });
    await untilStopped(context);
    await gateway.stop();
  } finally {
    forgetUrl(flags);
    // Stopped last: without the watch, SIGHUP would end the process during its requests.
    watch.stop();
  }
}

/** Runs a worker. For new options the primary replaces it. */
async function runWorker(id: number, flags: OwnFlags, context: Context): Promise<void> {
  // Read by the primary: the file may have changed since it has checked it.
  const text = await ask(process, 'options', {}, 10_000);
  const reader = new OptionsReader(flags, context, undefined, { text });
  const gateway = await start(reader, (options) => inWorker(options, id, context));
  context.started?.();
  answerPrimary(gateway);
  await untilStopped(context);
  await gateway.stop();
}

const start = (
  reader: OptionsReader,
  toGiven: (options: Options) => GatewayOptions,
): Promise<RunningGateway> =>
  withOptionsErrors(() => reader.use((read) => lazy.gateway().startGateway(toGiven(read()))), reader);

/**
 * The options of a worker. The primary serves its metrics. Each worker has its own files for audit trails, as a hash
 * chain has one writer.
 */
const inWorker = (options: Options, worker: number, { env }: Context): GatewayOptions => ({
  ...options,
  clientConnections: handedConnections(),
  callbackKey: env[callbackKeyVariable],
  // The primary serves its console.
  name: lazy.gateway().gatewayName(process.ppid),
  peers: otherWorkers,
  admin: {
    ...options.admin,
    enabled: false,
    console: { ...options.admin.console, enabled: options.admin.enabled && options.admin.console.enabled },
  },
  audit: {
    ...options.audit,
    trails: options.audit.trails.map((trail) =>
      trail.to === 'stdout' ? trail : { ...trail, to: `${trail.to}.worker-${worker}` },
    ),
  },
});

/** In a worker: the other workers, reached through the primary. */
const otherWorkers: Peers = {
  async drop(tags) {
    await ask(process, 'drop', { tags }, 2_000);
  },
  follow(drop) {
    answerTo(process, { drop: ({ tags }) => drop(tags).then(() => undefined) });
  },
};

/** In a worker: reports that it is ready, and answers the primary's requests. */
function answerPrimary(gateway: RunningGateway): void {
  answerTo(process, {
    metrics: ({ format }) => gateway.metrics(format),
    readiness: () => Promise.resolve(gateway.readiness()),
    invalidate: ({ invalidation, address }) => gateway.invalidate(invalidation, address),
    console: async ({ what, input }) => {
      const answer = gateway.console?.[what] as ((input: unknown) => Promise<unknown>) | undefined;
      return answer?.(input);
    },
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
  const { addressOf, createAdminServer, createPrimaryMetrics, describeGateway, listen } = lazy.gateway();
  const { gatewayName, mergedGateway, openConsole, openConsoleStore } = lazy.gateway();
  const { digestOfFiles, StoreUnavailable, UnknownNames, versionIfKnown } = lazy.gateway();
  const reader = new OptionsReader(flags, context, watch);
  let options = await withOptionsErrors(() => reader.use((read) => Promise.resolve(read())));
  const { admin, host, port, path, shutdown, tls } = options;
  const say = (sentence: string): void => void context.stderr.write(`weir: ${sentence}\n`);
  let url!: string;
  const startAll = (): ReturnType<typeof startWorkers> =>
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
      text: reader.text,
      say,
    });
  const workers = await withOptionsErrors(startAll, reader).catch((error: unknown) => {
    // The worker has printed the reason.
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
  const metrics = createPrimaryMetrics();
  const collect = async (format: MetricsFormat): Promise<string> =>
    mergeMetrics(new Map([[0, metrics.text(format)], ...(await workers.metrics(format))]));
  const version = versionIfKnown();
  const about = () => describeGateway({ options, endpoint: url, version, workers: count });
  const hasConsole = admin.enabled && admin.console.enabled;
  const openOwnConsole = (): OpenConsole =>
    openConsole(
      mergedGateway(workers.console, workers.consoleOfOne),
      gatewayName(),
      openConsoleStore(options.cache),
    );
  let openedConsole = hasConsole ? openOwnConsole() : undefined;
  const adminServer = admin.enabled
    ? createAdminServer({
        metrics: collect,
        readiness: () => (isStopping ? ['shutting down'] : workers.readiness()),
        token: admin.token,
        invalidation: admin.token === undefined ? undefined : { token: admin.token, invalidate, logger },
        console: openedConsole && { source: () => openedConsole!.source, about, logger },
      })
    : undefined;
  /** The options that workers have or are to have, with what is in the files that they name. */
  let wanted: unknown = { options, files: digestOfFiles(options) };
  /** Resolves with whether anything has changed. */
  const replaceWorkers = async (read: () => Options): Promise<boolean> => {
    const next = read();
    const { text } = reader;
    const own = { options: next, files: digestOfFiles(next) };
    if (isDeepStrictEqual(own, wanted)) return false;
    wanted = own;
    say('replacing the workers one by one');
    try {
      await workers.reload(text);
    } catch (error) {
      if (wanted === own) wanted = undefined;
      throw error;
    }
    const hasOtherCache = !isDeepStrictEqual(options.cache, next.cache);
    options = next;
    if (openedConsole === undefined || !hasOtherCache || isStopping) return true;
    // The store may be another one.
    await openedConsole.close();
    openedConsole = openOwnConsole();
    return true;
  };
  const reload = (): void => {
    withOptionsErrors(() => reader.use(replaceWorkers)).then(
      (hasChanged) => {
        metrics.reloads.add(1, { result: hasChanged ? 'live' : 'unchanged' });
        if (!isStopping) say(hasChanged ? 'the workers are replaced' : 'the options are as they were');
      },
      (error: unknown) => {
        metrics.reloads.add(1, { result: 'refused' });
        if (!isStopping)
          context.stderr.write(`${(error as Error).message}\nweir: the previous options stay in use\n`);
      },
    );
  };
  try {
    if (adminServer !== undefined)
      await withOptionsErrors(() => listen(adminServer.server, admin.host, admin.port, 'admin.port'), reader);
    say(`${count} workers answer at ${url}`);
    writeUrl(url, flags, context);
    watch.begin(() => {
      if (isStopping) return Promise.resolve();
      // Not awaited: during a replacement it causes one more, and errors of an edit are reported at once.
      reload();
      return Promise.resolve();
    });
    await untilStopped(context);
  } finally {
    isStopping = true;
    forgetUrl(flags);
    await Promise.all([openedConsole?.close(), workers.stop()]);
    await adminServer?.close();
    metrics.close();
  }
}
