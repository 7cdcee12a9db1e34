import { isDeepStrictEqual } from 'node:util';
import { UnknownNames } from '../../gateway/cache/invalidation';
import { StoreUnavailable } from '../../gateway/cache/stores/store';
import { describeGateway } from '../../gateway/console/about';
import { mergedGateway, type PrimaryConsole } from '../../gateway/console/merged-source';
import { describeOptions } from '../../gateway/console/options-view';
import { loadParts } from '../../gateway/console/versions';
import type { Options } from '../../gateway/options';
import { changedOptions } from '../../gateway/options/in-force';
import { secretsOf } from '../../gateway/options/secrets';
import { createAdminServer } from '../../gateway/process/operators/admin-server';
import type { InvalidateFor } from '../../gateway/process/operators/invalidation-route';
import { openHealthPort } from '../../gateway/process/operators/health-port';
import { digestOfFiles } from '../../gateway/process/configuration/named-files';
import {
  gatewayName,
  openConsole,
  openConsoleStore,
  type OpenConsole,
} from '../../gateway/process/operators/open-console';
import { addressOf, listen } from '../../gateway/process/listen';
import { type Load, LoadHistory } from '../../gateway/telemetry/load-history';
import { Redaction } from '../../gateway/telemetry/logger';
import { createPrimaryMetrics, versionIfKnown } from '../../gateway/telemetry/metrics/metrics';
import type { MetricsFormat } from '../../gateway/telemetry/metrics/prometheus';
import { CommandFailure, type Context, untilStopped } from '../context';
import { OptionsReader, type OwnFlags, withExtensionsTried, withOptionsErrors } from '../gateway-options';
import { longestLoading, notLoadedInWorker } from './try-extensions';
import { forgetUrl, writeUrl } from './url-file';
import { type OptionsWatch, watchOptions } from './watch-options';
import { mergeMetrics } from './worker-metrics';
import { startWorkers, type Workers, WorkerStartError } from './workers';

/** Runs `weir gateway --workers`: the workers share its port, and it serves their metrics and their console. */
export async function runPrimary(count: number, flags: OwnFlags, context: Context): Promise<void> {
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
  const reader = new OptionsReader(flags, context, watch);
  let options = await withOptionsErrors(() => reader.use((read) => withExtensionsTried(read())), reader);
  const { admin } = options;
  const say = (sentence: string): void => void context.stderr.write(`weir: ${sentence}\n`);
  const { workers, url } = await startAll(count, options, reader, say);
  let isStopping = false;

  const invalidate = invalidateIn(workers);
  const logger = { error: ({ err }: LoggedError, message: string) => say(`${message}: ${String(err)}`) };
  const metrics = createPrimaryMetrics();
  const collect = async (format: MetricsFormat): Promise<string> =>
    mergeMetrics(new Map([[0, metrics.text(format)], ...(await workers.metrics(format))]));
  const version = versionIfKnown();
  const about = () => describeGateway({ options, endpoint: url, version, workers: count });
  const reloads = recordReloads(metrics, options);
  const openOwnConsole = (): OpenConsole =>
    openConsoleOf({ workers, reader, loads: reloads.parts, options: () => options });
  let openedConsole = admin.enabled && admin.console.enabled ? openOwnConsole() : undefined;
  const readiness = () => (isStopping ? ['shutting down'] : workers.readiness());
  const health = openHealthPort(options.health, readiness);
  const adminServer = admin.enabled
    ? createAdminServer({
        metrics: collect,
        readiness,
        token: admin.token,
        invalidation: admin.token === undefined ? undefined : { token: admin.token, invalidate, logger },
        console: openedConsole && { source: () => openedConsole!.source, about, logger },
      })
    : undefined;
  /** The options that workers have or are to have, with what is in the files that they name. */
  let wanted: unknown = { options, files: digestOfFiles(options) };
  /** One after the other, so that workers get the options in the order in which they were read. */
  let trial: Promise<unknown> = Promise.resolve();
  /** Resolves with the names of the options that have changed; undefined if neither they nor their files have. */
  const replaceWorkers = async (read: () => Options): Promise<readonly string[] | undefined> => {
    const next = read();
    const { text } = reader;
    const own = { options: next, files: digestOfFiles(next) };
    if (isDeepStrictEqual(own, wanted)) return undefined;
    wanted = own;
    try {
      const tryNext = (): Promise<Options> => withExtensionsTried(next);
      await (trial = trial.then(tryNext, tryNext));
      say('replacing the workers one by one');
      await workers.reload(text);
    } catch (error) {
      if (wanted === own) wanted = undefined;
      throw error;
    }
    const hasOtherCache = !isDeepStrictEqual(options.cache, next.cache);
    const changed = changedOptions(options, next);
    options = next;
    reloads.hide(options);
    if (openedConsole === undefined || !hasOtherCache || isStopping) return changed;
    // The store may be another one.
    await openedConsole.close();
    openedConsole = openOwnConsole();
    return changed;
  };
  const reload = (): void => {
    withOptionsErrors(() => reader.use(replaceWorkers), reader).then(
      (changed) => {
        reloads.done(changed);
        if (!isStopping) say(changed ? 'the workers are replaced' : 'the options are as they were');
      },
      (error: unknown) => {
        const { message: reason } = error as Error;
        reloads.refused(reason);
        if (!isStopping) context.stderr.write(`${reason}\nweir: the previous options stay in use\n`);
      },
    );
  };
  try {
    await withOptionsErrors(() => health.listen(), reader);
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
    await health.close();
    metrics.close();
  }
}

interface LoggedError {
  readonly err: unknown;
}

/** Counts reloads of the options, and keeps the last ones for the console. */
function recordReloads({ reloads }: ReturnType<typeof createPrimaryMetrics>, first: Options) {
  const redaction = new Redaction();
  const loads = new LoadHistory((text) => redaction.redact(text));
  const hide = (options: Options): void => redaction.hide(secretsOf(options));
  const note = (load: Pick<Load, 'result' | 'changed' | 'reason'>): void => {
    reloads.add(1, { result: load.result });
    loads.note({ ...load, what: 'options' });
  };
  hide(first);
  return {
    hide,
    parts: () => loadParts(loads),
    done: (changed: readonly string[] | undefined) =>
      note(changed === undefined ? { result: 'unchanged' } : { result: 'live', changed }),
    refused: (reason: string) => note({ result: 'refused', reason }),
  };
}

interface PrimaryConsoleParts extends Pick<PrimaryConsole, 'loads'> {
  readonly workers: Workers;
  readonly reader: OptionsReader;
  /** Those in force. */
  readonly options: () => Options;
}

/** What the workers record, as one console. */
function openConsoleOf({ workers, reader, loads, options }: PrimaryConsoleParts): OpenConsole {
  const primary = { loads, options: () => describeOptions(options(), reader.sourcesInUse, undefined) };
  const merged = mergedGateway(workers.console, workers.consoleOfOne, primary);
  return openConsole(merged, gatewayName(), openConsoleStore(options().cache));
}

const invalidateIn =
  (workers: Workers): InvalidateFor =>
  (invalidation, address) =>
    workers.invalidate(invalidation, address).catch((error: unknown) => {
      const { name, message } = error as Error;
      throw name === UnknownNames.name ? new UnknownNames(message) : new StoreUnavailable(error);
    });

/** Starts the workers behind one port. Resolves with the URL of their endpoint, too. */
async function startAll(
  count: number,
  { host, port, path, shutdown, tls }: Options,
  reader: OptionsReader,
  say: (sentence: string) => void,
): Promise<{ readonly workers: Workers; readonly url: string }> {
  let url!: string;
  const start = (): Promise<Workers> =>
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
      loadingLimit: longestLoading,
      notLoaded: notLoadedInWorker,
    });
  const workers = await withOptionsErrors(start, reader).catch((error: unknown) => {
    if (!(error instanceof WorkerStartError)) throw error;
    // A worker that fails has printed the reason.
    throw error.exitCode
      ? new CommandFailure('', error.exitCode)
      : new CommandFailure(`weir: ${error.message}.`, 2);
  });
  return { workers, url };
}
