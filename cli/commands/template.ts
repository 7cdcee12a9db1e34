import { Command } from 'commander';
import { CommandFailure, type Context } from '../context';
import { OptionsReader, withOptionsErrors } from '../gateway-options';
import { readInput } from '../terminal/input';
import type * as GatewayTemplate from '../package/template/gateway-template';
import type * as SubgraphTemplate from '../package/template/subgraph-template';
import { subgraphModule, subgraphNames } from '../own-package';
import { readDeclaration, withoutDeclaration } from '../package/template/read-declaration';
import { writeTemplateFile } from '../package/template/template-file';

interface TemplateFlags {
  readonly code: string;
  readonly out?: string;
}

interface GatewayTemplateFlags extends TemplateFlags {
  readonly config?: string;
  readonly stream?: true;
}

/** `weir template`: writes templates of AWS SAM for code that `weir package` has not written. */
export function templateCommand(context: Context): Command {
  const subgraph = addFlags(new Command('subgraph'))
    .summary('of a subgraph, from what its code declares')
    .description(
      'Prints a template of AWS SAM for a subgraph as a function of AWS Lambda: its tables, topic, queues and state ' +
        'machines, the function with an alias and a deployment that alarms roll back, and a policy that allows what ' +
        'the code declares, and nothing else.',
    )
    .argument('<SUBGRAPH>', 'a name of the sample shop, or a file that Node runs and that exports `handler`')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir template subgraph orders\n' +
        '  $ weir template subgraph dist/boats/index.js --code dist/boats --out template.yaml',
    )
    .action(async (name: string, flags: TemplateFlags) => {
      const file = subgraphModule(name);
      if (file === undefined)
        throw new CommandFailure(
          `weir: there is no subgraph '${name}', and no such file; there are: ${subgraphNames().join(', ')}.`,
          2,
        );
      const declaration = await readDeclaration(file, context);
      if (declaration === undefined) throw new CommandFailure(`weir: ${file} ${withoutDeclaration}`, 2);
      const code = { uri: flags.code, handler: 'index.handler' };
      await write(
        (require('../package/template/subgraph-template') as typeof SubgraphTemplate).subgraphTemplate(
          declaration,
          code,
        ),
        flags,
        context,
      );
    });
  const gateway = addFlags(new Command('gateway'))
    .summary('of the gateway, from its options')
    .description(
      'Prints a template of AWS SAM for the gateway as a function of AWS Lambda: the function with an alias and a ' +
        'deployment that alarms roll back, the table of `cache.store` in DynamoDB or the network of a Redis, a ' +
        'parameter for each variable in the options, and a policy that allows what the options need, and nothing else.',
    )
    .option('-c, --config <FILE>', 'options of the gateway, in YAML (default: the defaults)')
    .option(
      '--stream',
      'the function URL streams: subscriptions and @defer; the handler is index.streamHandler',
    )
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir template gateway --config weir.yaml\n' +
        '  $ weir template gateway --config weir.yaml --stream --code dist --out template.yaml',
    )
    .action(async (flags: GatewayTemplateFlags) => {
      const { config, stream: streams = false } = flags;
      const reader = new OptionsReader(config === undefined ? {} : { config }, context);
      const options = await withOptionsErrors(() => reader.load(), reader);
      const { gatewayTemplate, variablesIn } =
        require('../package/template/gateway-template') as typeof GatewayTemplate;
      const text = config === undefined ? '' : await readInput('--config', config, context.env);
      const code = { uri: flags.code, handler: streams ? 'index.streamHandler' : 'index.handler' };
      const variables = variablesIn(text);
      await write(gatewayTemplate({ options, variables, code, streams, isPackaged: false }), flags, context);
    });
  return new Command('template')
    .summary('write a template of AWS SAM alone')
    .description(
      'Writes a template of AWS SAM, with which a function of AWS Lambda is deployed, for code that you bundle yourself. ' +
        '`weir package` writes one beside its code.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir template gateway --config weir.yaml --code dist --out template.yaml',
    )
    .addCommand(gateway)
    .addCommand(subgraph);
}

const addFlags = (command: Command): Command =>
  command
    .option('--code <FOLDER>', 'where the code of the function is, as seen from the template', 'code')
    .option('-o, --out <FILE>', 'write the template to a file, replaced in one step');

async function write(text: string, { out }: TemplateFlags, { stdout }: Context): Promise<void> {
  if (out === undefined) stdout.write(text);
  else await writeTemplateFile(out, text);
}
