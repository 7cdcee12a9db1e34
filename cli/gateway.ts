import { Command, Option } from 'commander';
import type { LoadOptions } from '../gateway';
import { CommandFailure, type Context, untilStopped } from './context';
import { lazy } from './lazy';

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

/** `weir gateway`: the gateway alone, in front of any Federation 2 supergraph. */
export function gatewayCommand(context: Context): Command {
  return addGatewayFlags(new Command('gateway'))
    .summary('run the gateway in front of a supergraph')
    .description(
      'Runs the gateway in front of the subgraphs of a supergraph, and goes on with the last good one when the ' +
        'supergraph changes. docs/configuration.md lists all options; flags win over the file.',
    )
    .option(
      '-s, --supergraph <FILE_OR_URL>',
      'the supergraph; a file is watched, a URL is asked again and again',
    )
    .addOption(
      new Option(
        '--mode <MODE>',
        'development has Apollo Sandbox, GraphiQL, introspection and query plans',
      ).choices(['development', 'production']),
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir gateway --supergraph schema/supergraph.graphql\n' +
        '  $ weir gateway --supergraph https://example.com/supergraph.graphql --port 8080\n' +
        '  $ weir gateway --config weir.yaml --mode development',
    )
    .action((flags: GatewayFlags & { supergraph?: string }) => runGateway(flags, context));
}

export function addGatewayFlags(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'options of the gateway, in YAML')
    .option('-p, --port <N>', 'the port to listen on, 0 for a free one (default: 4000)')
    .option('--host <HOST>', 'the address to listen on (default: 127.0.0.1)')
    .option('--admin-port <N>', 'the port of metrics and health (default: 9464)')
    .option('--log-level <LEVEL>', 'the least important log lines to print (default: info)');
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

async function runGateway(flags: GatewayFlags & { supergraph?: string }, context: Context): Promise<void> {
  const { loadOptions, startGateway } = lazy.gateway();
  const gateway = await withOptionsErrors(async () => {
    const options = loadOptions({
      config: flags.config,
      flags: {
        ...toOptions(flags),
        ...(flags.supergraph === undefined ? {} : { supergraph: flags.supergraph }),
      },
      env: context.env,
    });
    if (options.supergraph === undefined) {
      throw new CommandFailure('weir: which supergraph? Name it with --supergraph FILE_OR_URL.', 2);
    }
    return startGateway(options);
  });
  context.stderr.write(`weir: the gateway answers at ${gateway.url}\n`);
  await untilStopped(context);
  await gateway.stop();
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
