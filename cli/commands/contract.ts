import { Command } from 'commander';
import type { Authorship, ChangeResult, Registry } from '../../schema';
import { CommandFailure, type Context } from '../context';
import {
  addAuthorFlags,
  type AuthorFlags,
  authorshipOf,
  formatOption,
  registryOption,
  reportResult,
  withRegistry,
} from '../registry/registry';

interface ContractFlags extends AuthorFlags {
  readonly registry?: string;
  readonly of?: string;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly remove?: true;
  readonly format: string;
}

/** `weir contract`: creates or changes a variant that shows clients a part of another one. */
export function contractCommand(context: Context): Command {
  const command = new Command('contract')
    .summary('make a variant that shows a part of another one')
    .description(
      'Makes a variant of a graph that shows clients only a part of another variant, chosen by `@tag`. From then on ' +
        'each publish to the other variant also makes a new version of the contract. Elements that become empty, and ' +
        'types that can no longer be reached, are removed as well. An invalid contract is recorded as rejected, and ' +
        'the running graph is unchanged: exit code 1. Without --of, brings the contract up to date. With --remove, ' +
        'ends it: it no longer follows the other variant, and has no supergraph.',
    )
    .argument('<GRAPH@VARIANT>', 'the contract, such as shop@public')
    .addOption(registryOption())
    .option('--of <GRAPH@VARIANT>', 'the variant that it shows a part of')
    .option(
      '--include <TAG...>',
      'keep only fields and unions with one of these tags, on themselves or on their type',
    )
    .option('--exclude <TAG...>', 'remove everything with one of these tags, whatever other tags it has')
    .option('--remove', 'end the contract');
  return addAuthorFlags(command)
    .addOption(formatOption('text', 'json'))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ weir contract shop@public --of shop@prod --exclude internal\n' +
        '  $ weir contract shop@partners --of shop@prod --include public partner --exclude internal\n' +
        '  $ weir contract shop@public\n' +
        '  $ weir contract shop@public --remove',
    )
    .action((graph: string, flags: ContractFlags) => contract(graph, flags, context));
}

async function contract(graph: string, flags: ContractFlags, context: Context): Promise<void> {
  const run = changeOf(flags);
  const authorship = await authorshipOf(flags, context);
  const { registry: location } = flags;
  await withRegistry(
    { graph, ...(location === undefined ? {} : { registry: location }) },
    async (registry) => {
      reportResult(await run(registry, authorship), registry, flags.format, context);
    },
  );
}

type Run = (registry: Registry, authorship: Authorship) => Promise<ChangeResult>;

function changeOf({ of, include = [], exclude = [], remove }: ContractFlags): Run {
  const hasTags = include.length + exclude.length > 0;
  if (remove && (of !== undefined || hasTags))
    throw new CommandFailure('weir: --remove takes neither --of nor tags: it ends the contract.', 2);
  if (of === undefined && hasTags)
    throw new CommandFailure(
      'weir: --include and --exclude need --of: the variant that the contract shows a part of.',
      2,
    );
  const terms = of === undefined ? undefined : { of, include, exclude };
  return (registry, authorship) =>
    remove ? registry.endContract(authorship) : registry.contract(terms, authorship);
}
