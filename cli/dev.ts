import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Options } from '../gateway';
import { CommandFailure, type Context, untilStopped } from './context';
import { banner } from './dev/banner';
import { startDatabase } from './dev/database';
import { keepLive } from './dev/live-supergraph';
import { npmShellGone } from './dev/npm-shell';
import { createOutput } from './dev/output';
import { RunningParts } from './dev/running-parts';
import { SubgraphProcesses } from './dev/subgraph-processes';
import { createSupergraphFeed } from './dev/supergraph-feed';
import { addGatewayFlags, type GatewayFlags, toOptions, withOptionsErrors } from './gateway-options';
import { lazy } from './lazy';
import { introspectionSigner, linkKeysIn } from './private-link';
import { packageRoot, subgraphScript } from './package';

interface DevFlags extends GatewayFlags {
  readonly supergraphConfig: string;
  readonly data: string;
  readonly reset?: true;
  readonly verbose?: true;
}

/** `weir dev`: the whole reference graph on one machine. */
export function devCommand(context: Context): Command {
  return addGatewayFlags(new Command('dev'))
    .summary('run the whole reference graph: database, subgraphs, composition, gateway')
    .description(
      'Runs the whole reference graph: an embedded DynamoDB, the subgraphs, the composer and the gateway in ' +
        'development mode. Schema files are watched; an edit that composes is live within seconds. With --port 0, ' +
        'all ports are free ones. DYNAMODB_ENDPOINT replaces the embedded DynamoDB.',
    )
    .option('--data <DIR>', 'where the embedded DynamoDB keeps its data', '.weir/dynamodb')
    .option('--reset', 'delete that data first')
    .addOption(
      new Option(
        '--supergraph-config <FILE>',
        'the subgraphs to compose; those of the reference graph are started, others must be running',
      ).default(join(packageRoot(), 'schema', 'supergraph.yaml'), 'schema/supergraph.yaml'),
    )
    .option('--verbose', 'print the info lines of all processes, and the stack of an unexpected error')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir dev\n' +
        '  $ weir dev --port 0 --data /tmp/shop --reset\n' +
        '  $ DYNAMODB_ENDPOINT=http://127.0.0.1:8000 weir dev',
    )
    .action((flags: DevFlags) => {
      const signal = AbortSignal.any([context.signal, npmShellGone(context.env)]);
      return dev(flags, { ...context, signal });
    });
}

/** A query over four subgraphs of the reference graph. */
const firstQuery =
  '{ user(id: "u1") { name reviews(first: 3) { edges { node { rating body product { name price inStock shippingEstimate } } } } } }';

async function dev(flags: DevFlags, context: Context): Promise<void> {
  const parts = new RunningParts();
  context.signal.addEventListener('abort', () => void parts.stop(), { once: true });
  try {
    await start(flags, context, parts);
    await untilStopped(context);
  } catch (error) {
    // What fails because it was stopped is no failure.
    if (!context.signal.aborted) throw error;
  } finally {
    await parts.stop();
  }
}

/** Each process is started as early as it can be, before what this one has to load and compose itself. */
async function start(flags: DevFlags, context: Context, parts: RunningParts): Promise<void> {
  const { stderr, env } = context;
  const output = createOutput(context, !env['NO_COLOR'] && 'isTTY' in stderr && stderr.isTTY === true);
  const database = await parts.add(
    await startDatabase({ folder: flags.data, reset: flags.reset === true, env, output }),
  );
  const { loadSupergraphConfig, readSubgraphSchemas } = lazy.schema();
  const link = setUpLink(env);
  const appSync = setUpAppSync();
  const sign = introspectionSigner({ ...env, ...link.env });
  const source = { file: flags.supergraphConfig, env, sign };
  const config = await loadSupergraphConfig(source).catch(failWithProblems);
  const schemas = await readSubgraphSchemas(config, { sign }).catch(failWithProblems);
  const logLevel = flags.logLevel ?? env['LOG_LEVEL'] ?? (flags.verbose ? 'info' : 'warn');
  const readOptions = (): Options => {
    const defaults = {
      mode: 'development',
      logLevel,
      ...(flags.port === '0' ? { adminPort: '0' } : {}),
    } as const;
    return lazy
      .gateway()
      .loadOptions({ config: flags.config, flags: toOptions({ ...defaults, ...flags }), env });
  };
  const processes = await parts.add(
    new SubgraphProcesses({
      otherPorts: () => {
        const { port, admin } = readOptions();
        return [{ port, of: 'gateway' }, ...(admin.enabled ? [{ port: admin.port, of: 'metrics' }] : [])];
      },
      ports: flags.port === '0' ? 'free' : 'configured',
      script: subgraphScript,
      env: {
        WEIR_DEVELOPMENT: 'true',
        ...env,
        ...database.env,
        ...link.env,
        ...appSync.env,
        LOG_LEVEL: logLevel,
      },
      output,
    }),
  );
  const started = processes.start(config, schemas);
  // Whoever waits for it comes a little later than its failure might.
  started.catch(() => undefined);
  const feed = createSupergraphFeed();
  const live = await parts.add(await keepLive({ source, processes, started, feed, output }));
  const credentials = await lazy.credentials().developmentCredentials();

  const { modesIn, startGateway } = lazy.gateway();
  const adminToken = randomBytes(16).toString('hex');
  const [gateway, , shown] = await withOptionsErrors(() => {
    const options = readOptions();
    const logDestination = { write: (line: string) => output.line('gateway', line.trimEnd()) };
    const privateLinks = { ...link.options, claims: options.privateLinks.claims };
    // Who has configured modes of their own tries these.
    const ownModes = modesIn(options.auth).length > 0;
    const auth = ownModes ? options.auth : credentials.auth;
    const subgraphs = { ...appSync.options, ...options.subgraphs };
    const gateway = startGateway({
      ...options,
      auth,
      privateLinks,
      subgraphs,
      admin: { ...options.admin, token: options.admin.token ?? adminToken },
      supergraph: feed,
      logDestination,
      explorerHeaders: ownModes ? {} : credentials.headers,
    });
    const shown = {
      credentials: ownModes ? undefined : credentials.examples,
      // Who has configured one knows it.
      adminToken: options.admin.token === undefined ? adminToken : undefined,
    };
    return Promise.all([gateway, live.first, Promise.resolve(shown)]);
  });
  await parts.add(gateway);
  output.print(
    banner({
      url: gateway.url,
      adminUrl: gateway.adminUrl,
      subgraphs: processes.urls,
      data: database.place,
      ...shown,
      query: firstQuery,
      milliseconds: performance.now(),
    }),
  );
}

/** The private link of gateway and subgraphs, with the keys that the environment names or one for this run alone. */
function setUpLink(env: Context['env']) {
  const given = linkKeysIn(env);
  if (given?.keysFile !== undefined) return { env: {}, options: given };
  const keys = given?.keys ?? [randomBytes(32).toString('base64url')];
  return { env: { WEIR_LINK_KEYS: keys.join(',') }, options: { keys } };
}

/** The subgraph of the reference graph that is an API of AWS AppSync, with a key for this run alone. */
function setUpAppSync() {
  const apiKey = `da2-${randomBytes(16).toString('hex')}`;
  const shipping = { appsync: { auth: { type: 'API_KEY' as const, apiKey } } };
  return { env: { SHIPPING_API_KEY: apiKey }, options: { shipping } };
}

function failWithProblems(error: unknown): never {
  const { formatProblem, SupergraphConfigError } = lazy.schema();
  if (!(error instanceof SupergraphConfigError)) throw error;
  throw new CommandFailure(error.problems.map(formatProblem).join('\n'), 2);
}
