import { type Command, InvalidArgumentError } from 'commander';
import type { IntrospectionFlags } from '../registry/introspection';
import { formatOption } from '../registry/registry';

/** The flags of commands that operate subgraphs. */
export interface OperatorFlags extends IntrospectionFlags {
  /** `NAME`, or `NAME=URL`. */
  readonly subgraph?: string;
  readonly supergraphConfig?: string;
}

export interface ReportFlags extends OperatorFlags {
  readonly format: string;
}

/** Says where the subgraphs are. */
export const whereSubgraphsAre =
  'The subgraphs are those of the `weir dev` that runs in this folder, else those of supergraph.yaml. Requests are ' +
  'signed with the keys of that `weir dev`, else with those of WEIR_LINK_KEYS or WEIR_LINK_KEYS_FILE.';

export const addOperatorFlags = (command: Command): Command =>
  command
    .option('--subgraph <NAME>', 'this subgraph alone; NAME=URL with its GraphQL endpoint for any other')
    .option('--supergraph-config <FILE>', "the subgraphs, in the format of Rover's supergraph.yaml")
    .option(
      '--options <FILE>',
      'options of the gateway, in YAML: subgraphs are asked with its headers, credentials and certificates',
    )
    .addOption(formatOption('text', 'json'));

/** Reads a number of things to list. */
export const countUpTo =
  (most: number) =>
  (text: string): number => {
    const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > most) throw new InvalidArgumentError(`It must be a number from 1 to ${most}.`);
    return count;
  };
