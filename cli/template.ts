import { Command } from 'commander';
import type { Context } from './context';
import { OptionsReader, withOptionsErrors } from './gateway-options';
import { readInput } from './input';
import { lazy } from './lazy';
import { readDeclaration } from './package/template/read-declaration';
import { replaceFile } from './replace-file';

interface TemplateFlags {
  readonly code: string;
  readonly out?: string;
}

/** `weir template`: writes templates of AWS SAM. */
export function templateCommand(context: Context): Command {
  const subgraph = addFlags(new Command('subgraph'))
    .summary('of a subgraph, from what its code declares')
    .description(
      'Prints a template of AWS SAM for a subgraph as a function of AWS Lambda: its tables, topic, queues and state ' +
        'machines, the function with an alias and a deployment that alarms roll back, and a policy that allows what ' +
        'the code declares, and nothing else.',
    )
    .argument('<SUBGRAPH>', 'a name of the sample shop, or the file of a subgraph of your own')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir template subgraph orders --out package/orders/template.yaml\n' +
        '  $ weir template subgraph dist/boats/index.js --code ../code',
    )
    .action(async (name: string, flags: TemplateFlags) => {
      const declaration = await readDeclaration(name, context);
      await write(lazy.subgraphTemplate().subgraphTemplate(declaration, codeOf(flags)), flags, context);
    });
  const gateway = addFlags(new Command('gateway'))
    .summary('of the gateway, from its options')
    .description(
      'Prints a template of AWS SAM for the gateway as a function of AWS Lambda: the function with an alias and a ' +
        'deployment that alarms roll back, the table of `cache.store` in DynamoDB or the network of a Redis, a ' +
        'parameter for each variable in the options, and a policy that allows what the options need, and nothing else.',
    )
    .option('-c, --config <FILE>', 'options of the gateway, in YAML (default: the defaults)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ weir template gateway --config weir.yaml --out package/gateway/template.yaml',
    )
    .action(async (flags: TemplateFlags & { readonly config?: string }) => {
      const { config } = flags;
      const reader = new OptionsReader(config === undefined ? {} : { config }, context);
      const options = await withOptionsErrors(() => reader.load(), reader);
      const { gatewayTemplate, variablesIn } = lazy.gatewayTemplate();
      const text = config === undefined ? '' : await readInput('--config', config, context.env);
      const template = gatewayTemplate({ options, variables: variablesIn(text), code: codeOf(flags) });
      await write(template, flags, context);
    });
  return new Command('template')
    .summary('write a template of AWS SAM')
    .description('Writes a template of AWS SAM, with which a function of AWS Lambda is deployed.')
    .helpCommand(false)
    .addHelpText('after', '\nExamples:\n  $ weir template subgraph orders --out package/orders/template.yaml')
    .addCommand(gateway)
    .addCommand(subgraph);
}

const addFlags = (command: Command): Command =>
  command
    .option('--code <FOLDER>', 'where the code of the function is, as seen from the template', 'code')
    .option('-o, --out <FILE>', 'write the template to a file, replaced in one step');

const codeOf = ({ code }: TemplateFlags) => ({ uri: code, handler: 'index.handler' });

async function write(text: string, { out }: TemplateFlags, { stdout }: Context): Promise<void> {
  if (out === undefined) stdout.write(text);
  else await replaceFile(out, text);
}
