/** `weir dev`. Over 300 lines: its flags, and the steps of a start in their order. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { CommandFailure, type Context, untilStopped } from '../context';
import { banner } from '../dev/banner';
import { startDevGateway } from '../dev/dev-gateway';
import type { GraphOptions } from '../dev/graph';
import { npmShellGone } from '../dev/npm-shell';
import { createOutput, type Output } from '../dev/output';
import { type Part, RunningParts } from '../dev/running-parts';
import {
  addGatewayFlags,
  type GatewayFlags,
  OptionsReader,
  readOptions,
  withOptionsErrors,
} from '../gateway-options';
import type * as Schema from '../../schema';
import type * as Mocks from '../dev/mocks/mock-server';
import type { MockServer } from '../dev/mocks/mock-server';
import type * as Seen from '../dev/mocks/seen-keys';
import type * as ScalarsFile from '../dev/mocks/scalars-file';
import { addOverFlags, type OverFlags } from '../dev/over/over-flags';
import type * as Over from '../dev/over/over-graph';
import type { OverGraph, OverGraphOptions } from '../dev/over/over-graph';
import type * as OwnGraph from '../dev/own-graph';
import type * as ReferenceGraph from '../dev/reference-graph';
import { isCheckout, packageRoot } from '../own-package';
import { type AnnouncedGraph, announceGraph, runningGraphFile } from '../gateway/running-graph';
import { type OptionsWatch, watchOptions } from '../gateway/watch-options';

interface DevFlags extends GatewayFlags, OverFlags {
  readonly supergraphConfig?: string;
  readonly data?: string;
  readonly reset?: true;
  readonly mock?: readonly string[];
  readonly mockScalars?: string;
  readonly record?: string;
  readonly verbose?: true;
}

/** `weir dev`: runs a whole graph on one machine. */
export function devCommand(context: Context): Command {
  return addOverFlags(addGatewayFlags(new Command('dev')))
    .summary('run a graph on this machine: its subgraphs, composition and the gateway')
    .description(
      'Runs the graph of supergraph.yaml with a gateway in development mode: starts the subgraphs that have a ' +
        '`command`, asks those with a `subgraph_url` for their schema, and composes. Schema files, supergraph.yaml ' +
        'and the options are watched, and running subgraphs are asked again every 2 seconds: a change that composes ' +
        'is live within seconds, and one that does not changes nothing. With --port 0, all ports are free ones. ' +
        'docs/getting-started.md goes all the way.\n\n' +
        '--over runs local subgraphs over the others of a graph: those of a registry, or of any supergraph. ' +
        '--mock answers for subgraphs in place of their services, with values made up from their schemas: ' +
        'docs/dev-over.md.\n\n' +
        'In a checkout of Weir, the reference graph is run where there is no supergraph.yaml: a shop, with an ' +
        'embedded DynamoDB (DYNAMODB_ENDPOINT replaces it) and credentials to try.',
    )
    .option(
      '--supergraph-config <FILE>',
      "the subgraphs, in the format of Rover's supergraph.yaml (default: supergraph.yaml)",
    )
    .option(
      '--data <DIR>',
      'of the reference graph: where the embedded DynamoDB keeps its data (default: .weir/dynamodb)',
    )
    .option('--reset', 'of the reference graph: delete that data first')
    .option('--mock <NAME...>', 'answer for these subgraphs with values made up from their schemas')
    .option(
      '--mock-scalars <FILE>',
      'of mocks: the values of scalars, a map in YAML or JSON (default: made up, too)',
    )
    .option(
      '--record <FILE>',
      'of mocks: keep the keys that other subgraphs answer in this file, and make up entities with them',
    )
    .option('--verbose', 'print the info lines of all processes, and the stack of an unexpected error')
    .addHelpText(
      'after',
      '\nA weir.yaml beside supergraph.yaml is taken when there is no --config.\n' +
        '\nExamples:\n' +
        '  $ weir dev\n' +
        '  $ weir dev --supergraph-config graph/supergraph.yaml --port 8080\n' +
        '  $ weir dev --port 0 --data /tmp/shop --reset\n' +
        '  $ weir dev --over shop@prod --local reviews=http://localhost:4001/graphql\n' +
        '  $ weir dev --mock payments shipping --mock-scalars scalars.yaml --record keys.json\n' +
        '  $ DYNAMODB_ENDPOINT=http://127.0.0.1:8000 weir dev',
    )
    .action((flags: DevFlags) => dev(flags, context));
}

async function dev(flags: DevFlags, { signal: stop, ...others }: Context): Promise<void> {
  const hangup = new AbortController();
  const hangUp = (): void => hangup.abort();
  const signal = AbortSignal.any([stop, npmShellGone(others.env), hangup.signal]);
  const context: Context = { ...others, signal };
  const parts = new RunningParts();
  signal.addEventListener('abort', () => void parts.stop(), { once: true });
  // SIGHUP means that the terminal was closed.
  process.on('SIGHUP', hangUp);
  try {
    await start(flags, context, parts);
    await untilStopped(context);
  } catch (error) {
    // A failure because of the stop is no failure of the command.
    if (!signal.aborted) throw error;
  } finally {
    await parts.stop();
    process.off('SIGHUP', hangUp);
  }
}

async function start(flags: DevFlags, context: Context, parts: RunningParts): Promise<void> {
  const { stderr, env } = context;
  const { file, isReference } = chooseGraph(flags);
  // Read as soon as it exists.
  const beside = join(flags.over === undefined ? dirname(file) : '.', 'weir.yaml');
  const output = createOutput(context, !env['NO_COLOR'] && 'isTTY' in stderr && stderr.isTTY === true);
  const logLevel = flags.logLevel ?? env['LOG_LEVEL'];
  // In a terminal only problems are of interest.
  const usualLevel = flags.verbose ? 'info' : 'warn';
  // Created before the graph starts, so that no edit is missed. SIGHUP does not reload options here, as it means that
  // the terminal was closed.
  const watch = await parts.add(stoppable(watchOptions(flags.config ?? beside, { hangup: false })));
  const reader = new OptionsReader(
    {
      ...(flags.port === '0' ? { adminPort: '0' } : {}),
      ...flags,
      ...(logLevel === undefined ? {} : { logLevel }),
      mode: 'development',
    },
    context,
    watch,
    {
      configIfThere: beside,
      // All subgraphs run on the same machine.
      defaults: { logging: { level: usualLevel } },
      // There is no load balancer to wait for.
      flags: { shutdown: { delay: 0 } },
    },
  );
  if (flags.mock !== undefined) refuseMocksInProduction(flags, context, beside);
  // Errors in the options are reported before anything is started.
  (require('../../schema') as typeof Schema).requireComposer();
  let options = await withOptionsErrors(() => reader.load(), reader);
  const mocks = await startMocks(flags, output, parts);
  const over = await openOver(flags, { mocked: mocks?.names ?? [], context, output }, parts);
  let announced: AnnouncedGraph | undefined;
  const graphOptions: GraphOptions = {
    ...{ file: over?.name ?? file, over, context, output, parts },
    options: () => {
      try {
        options = reader.load();
      } catch {
        // Invalid options are reported where the gateway reads them. The previous ones stay in use.
      }
      return options;
    },
    ports: flags.port === '0' ? 'free' : 'configured',
    mocks,
    onSubgraphs: (urls) => {
      const problem = announced?.replace(Object.fromEntries(urls));
      if (problem !== undefined) output.say(unwritten(problem));
    },
    logLevel: logLevel ?? usualLevel,
  };
  const graph = isReference
    ? await (require('../dev/reference-graph') as typeof ReferenceGraph).startReferenceGraph({
        ...graphOptions,
        data: flags.data ?? '.weir/dynamodb',
        reset: flags.reset === true,
      })
    : await (require('../dev/own-graph') as typeof OwnGraph).startOwnGraph(graphOptions);
  const adminToken = randomBytes(16).toString('hex');
  const [gateway] = await Promise.all([
    startDevGateway({ reader, watch, graph, mocks, adminToken, output }).then((started) =>
      parts.add(started),
    ),
    graph.first,
  ]);
  const { configured } = gateway;
  const facts = graph.describe(configured);
  const announcing = announceGraph({
    subgraphs: Object.fromEntries(facts.subgraphs),
    ...(gateway.adminUrl !== undefined && {
      admin: { url: gateway.adminUrl, token: configured.admin.token ?? adminToken },
    }),
    ...(graph.linkEnv
      ? { env: graph.linkEnv }
      : { options: reader.config === undefined ? undefined : resolve(reader.config) }),
  });
  if ('problem' in announcing) output.say(unwritten(announcing.problem));
  else announced = await parts.add(announcing);
  output.print(
    banner({
      ...facts,
      mocked: mocks?.names ?? [],
      url: gateway.url,
      adminUrl: gateway.adminUrl,
      hasConsole: configured.admin.console.enabled,
      // A configured token is not printed.
      adminToken: configured.admin.token === undefined ? adminToken : undefined,
      options: reader.config,
      milliseconds: performance.now(),
    }),
  );
}

/** @throws {CommandFailure} where made up answers could reach real users */
function refuseMocksInProduction({ config }: DevFlags, context: Context, configIfThere: string): void {
  const refuse = (fact: string): never => {
    throw new CommandFailure(`weir: --mock makes answers up, which is refused in production: ${fact}.`, 2);
  };
  for (const name of ['NODE_ENV', 'WEIR_MODE'])
    if (context.env[name] === 'production') refuse(`${name} is production`);
  const origin = modeOrigin({ ...(config !== undefined && { config }) }, context, configIfThere);
  if (origin !== undefined) refuse(`${origin} has \`mode: production\``);
}

/** Where the file of options has `mode: production`, as `weir.yaml:3`; undefined if it has not, or is wrong elsewhere. */
function modeOrigin(
  flags: Pick<DevFlags, 'config'>,
  context: Context,
  configIfThere: string,
): string | undefined {
  try {
    const { options, sources } = readOptions(flags, context, { configIfThere });
    const origin = sources.origin(['mode']);
    return origin.kind === 'file' && options.mode === 'production'
      ? `${origin.file}:${origin.line}`
      : undefined;
  } catch {
    return undefined;
  }
}

/** @throws {CommandFailure} if the values of scalars cannot be read */
async function startMocks(
  { mock, mockScalars, record }: DevFlags,
  output: Output,
  parts: RunningParts,
): Promise<MockServer | undefined> {
  if (mock === undefined) {
    const useless =
      mockScalars !== undefined ? '--mock-scalars' : record !== undefined ? '--record' : undefined;
    if (useless === undefined) return undefined;
    throw new CommandFailure(`weir: ${useless} has no effect without --mock NAME.`, 2);
  }
  const { readScalarValues } = require('../dev/mocks/scalars-file') as typeof ScalarsFile;
  const { startMockServer } = require('../dev/mocks/mock-server') as typeof Mocks;
  const { SeenKeys } = require('../dev/mocks/seen-keys') as typeof Seen;
  return parts.add(
    await startMockServer({
      names: [...new Set(mock)],
      scalars: mockScalars === undefined ? new Map() : readScalarValues(mockScalars),
      record: record === undefined ? undefined : new SeenKeys(record, output),
    }),
  );
}

async function openOver(
  flags: DevFlags,
  options: Omit<OverGraphOptions, 'flags'>,
  parts: RunningParts,
): Promise<OverGraph | undefined> {
  if (flags.over !== undefined) {
    const { openOverGraph } = require('../dev/over/over-graph') as typeof Over;
    return parts.add(await openOverGraph({ flags, ...options }));
  }
  const { local, localSchema, at, header } = flags;
  const [useless] = Object.entries({
    '--local': local,
    '--local-schema': localSchema,
    '--at': at,
    '--header': header,
  }).flatMap(([name, given]) => (given === undefined ? [] : [name]));
  if (useless === undefined) return undefined;
  throw new CommandFailure(`weir: ${useless} has no effect without --over GRAPH.`, 2);
}

const unwritten = (problem: string): string =>
  `${runningGraphFile} cannot be written (${problem}): \`weir events\` and \`weir workflow\` need --subgraph NAME=URL, and \`weir report\` needs --admin URL.`;

const stoppable = (watch: OptionsWatch): OptionsWatch & Part => ({
  ...watch,
  stop() {
    watch.stop();
    return Promise.resolve();
  },
});

/** @throws {CommandFailure} if there is no configuration, or a flag does not apply to it */
function chooseGraph(flags: DevFlags): { file: string; isReference: boolean } {
  const { over, supergraphConfig, data, reset } = flags;
  if (over !== undefined && supergraphConfig !== undefined)
    throw new CommandFailure('weir: --over and --supergraph-config each name a graph: leave one out.', 2);
  const reference = join(packageRoot(), 'schema', 'supergraph.yaml');
  const file = over ?? supergraphConfig ?? (existsSync('supergraph.yaml') ? 'supergraph.yaml' : reference);
  const isReference = resolve(file) === reference;
  // An installed package has the reference graph, too, but its users start it by its name only.
  if (isReference && supergraphConfig === undefined && !isCheckout()) {
    throw new CommandFailure(
      'weir: there is no supergraph.yaml here: `weir init` writes one, and --supergraph-config FILE names another.',
      2,
    );
  }
  if (!isReference && (data !== undefined || reset)) {
    throw new CommandFailure(
      `weir: ${data === undefined ? '--reset' : '--data'} is for the reference graph, but ${file} is another: leave the flag out.`,
      2,
    );
  }
  return { file, isReference };
}
