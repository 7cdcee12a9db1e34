import { Command } from 'commander';
import type { ContractTerms } from '../schema';
import { CommandFailure, type Context } from './context';
import {
  addAuthorFlags,
  type AuthorFlags,
  authorshipOf,
  formatOption,
  registryOption,
  reportResult,
  withRegistry,
} from './registry';

interface ContractFlags extends AuthorFlags {
  readonly registry?: string;
  readonly of?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly format: string;
}

/** `weir contract`: a variant that shows clients a part of another one. */
export function contractCommand(context: Context): Command {
  const command = new Command('contract')
    .summary('make a variant that shows a part of another one')
    .description(
      'Makes a variant of a graph that shows clients only a part of another variant, chosen by `@tag`. From then on ' +
        'each publish to the other one makes the next version of the contract, too. What the tags leave without ' +
        'content, and types that cannot be reached any more, are left out as well. A contract that cannot be is ' +
        'recorded as rejected, and changes nothing that runs: exit code 1. Without --of it is brought up to date.',
    )
    .argument('<GRAPH@VARIANT>', 'the contract, such as shop@public')
    .addOption(registryOption())
    .option('--of <GRAPH@VARIANT>', 'the variant that it shows a part of')
    .option(
      '--include <TAG...>',
      'only fields and unions with one of these tags, themselves or by their type',
    )
    .option('--exclude <TAG...>', 'nothing with one of these tags, whatever else it has');
  return addAuthorFlags(command)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir contract shop@public --of shop@prod --exclude internal\n' +
        '  $ weir contract shop@partners --of shop@prod --include public partner --exclude internal\n' +
        '  $ weir contract shop@public',
    )
    .action((graph: string, flags: ContractFlags) => contract(graph, flags, context));
}

async function contract(graph: string, flags: ContractFlags, context: Context): Promise<void> {
  const terms = termsOf(flags);
  const authorship = await authorshipOf(flags, context);
  const { registry: location } = flags;
  await withRegistry(
    { graph, ...(location === undefined ? {} : { registry: location }) },
    context,
    async (registry) => {
      reportResult(await registry.contract(terms, authorship), registry, flags.format, context);
    },
  );
}

function termsOf({ of, include = [], exclude = [] }: ContractFlags): ContractTerms | undefined {
  if (of !== undefined) return { of, include, exclude };
  if (include.length + exclude.length === 0) return undefined;
  throw new CommandFailure(
    'weir: --include and --exclude need --of: the variant that the contract shows a part of.',
    2,
  );
}
