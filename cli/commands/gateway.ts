import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import type { Peers } from '../../gateway/cache/stores/peer';
import type { Options } from '../../gateway/options';
import type { GatewayOptions } from '../../gateway/process/given-options';
import type { RunningGateway } from '../../gateway/process/start-gateway';
import { type Context, untilStopped } from '../context';
import {
  addGatewayFlags,
  addSupergraphFlags,
  type OwnFlags,
  OptionsReader,
  withExtensionsTried,
  withOptionsErrors,
} from '../gateway-options';
import type * as CheckGateway from '../../gateway/process/check-gateway';
import type * as OpenConsole from '../../gateway/process/operators/open-console';
import type * as StartGateway from '../../gateway/process/start-gateway';
import { handedConnections } from '../gateway/shared-port';
import type * as Primary from '../gateway/primary';
import { forgetUrl, writeUrl } from '../gateway/url-file';
import { watchOptions } from '../gateway/watch-options';
import { answerTo, ask } from '../gateway/worker-messages';
import { callbackKeyVariable, type ReadyMessage } from '../gateway/workers';
import { lineOfLeftOut } from '../mcp/tools-in';

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
          ? loadPrimary().runPrimary(flags.workers, flags, context)
          : runGateway(flags, context),
    );
}

/** Workers and single processes run without it. */
const loadPrimary = () => require('../gateway/primary') as typeof Primary;

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism();
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 to 999, or `auto`.');
}

/** Checks everything that a start would refuse, without starting. */
async function check(flags: OwnFlags, context: Context): Promise<void> {
  const reader = new OptionsReader(flags, context);
  const { subgraphs, unknown, leftOutTools, unavailable } = await withOptionsErrors(async () => {
    const options = await withExtensionsTried(reader.read());
    return (require('../../gateway/process/check-gateway') as typeof CheckGateway).checkGateway(options);
  }, reader);
  const found =
    subgraphs === undefined
      ? `the options are fine. The supergraph was not checked, as it cannot be fetched now: ${unavailable}`
      : `the options are fine, and so is the supergraph of ${subgraphs.join(', ')}.`;
  const notes = unknown.map((name) => {
    const sentence = `\`subgraphs.${name}\` has no effect: the supergraph has no subgraph of this name.`;
    return reader.sources?.describe({ path: ['subgraphs', name], sentence }) ?? sentence;
  });
  context.started?.();
  context.stdout.write(
    [...notes, ...leftOutTools.map(lineOfLeftOut), found].map((line) => `weir: ${line}\n`).join(''),
  );
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
  withOptionsErrors(
    () =>
      reader.use(async (read) => {
        const given = toGiven(await withExtensionsTried(read()));
        const { startGateway } = require('../../gateway/process/start-gateway') as typeof StartGateway;
        return startGateway({ ...given, optionSources: () => reader.sourcesInUse });
      }),
    reader,
  );

/**
 * The options of a worker. The primary serves its metrics. Each worker has its own files for audit trails, as a hash
 * chain has one writer.
 */
const inWorker = (options: Options, worker: number, { env }: Context): GatewayOptions => ({
  ...options,
  clientConnections: handedConnections(),
  callbackKey: env[callbackKeyVariable],
  // The primary serves its console.
  name: (require('../../gateway/process/operators/open-console') as typeof OpenConsole).gatewayName(
    process.ppid,
  ),
  peers: otherWorkers,
  admin: {
    ...options.admin,
    enabled: false,
    console: { ...options.admin.console, enabled: options.admin.enabled && options.admin.console.enabled },
  },
  // The primary has the port for probes.
  health: { ...options.health, port: undefined },
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
