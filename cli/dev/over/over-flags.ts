import type { Command } from 'commander';
import { CommandFailure, type Context } from '../../context';
import { headersOf } from '../../header-variables';
import { registryOption } from '../../registry/registry';

/** The flags of `weir dev --over`. */
export interface OverFlags {
  readonly over?: string;
  readonly registry?: string;
  readonly local?: readonly string[];
  readonly localSchema?: readonly string[];
  readonly at?: readonly string[];
  readonly header?: readonly string[];
}

export const addOverFlags = (command: Command): Command =>
  command
    .option(
      '--over <GRAPH>',
      'run local subgraphs over the others of a graph: the file of a supergraph, or GRAPH@VARIANT of --registry',
    )
    .addOption(registryOption())
    .option(
      '--local <NAME=URL...>',
      'over it: subgraphs that run at these URLs, where their schemas are read',
    )
    .option('--local-schema <NAME=FILE...>', 'over it: the schemas of subgraphs, in files')
    .option(
      '--at <NAME=URL...>',
      'over it: where subgraphs are called, in place of their published addresses',
    )
    .option(
      '--header <NAME=VARIABLE...>',
      'over it: headers for the subgraphs that are not local, with their values from variables of the environment',
    );

/** What is put over the graph: by the name of a subgraph, or of a header. */
export interface Overlay {
  readonly local: ReadonlyMap<string, string>;
  readonly schemas: ReadonlyMap<string, string>;
  readonly addresses: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
}

/** @throws {CommandFailure} for a flag that is wrong */
export function readOverlay({ local, localSchema, at, header = [] }: OverFlags, { env }: Context): Overlay {
  return {
    local: pairsOf('--local', local, httpUrl, 'reviews=http://localhost:4001/graphql'),
    schemas: pairsOf('--local-schema', localSchema, (file) => file, 'reviews=schema.graphql'),
    addresses: pairsOf('--at', at, httpUrl, 'products=http://localhost:4002/graphql'),
    headers: new Map(headersOf('--header', header, env)),
  };
}

/** No error has what was given: a URL may hold a password. */
function pairsOf(
  flag: string,
  texts: readonly string[] = [],
  read: (text: string) => string | undefined,
  example: string,
): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const end = text.indexOf('=');
      const value = read(text.slice(end + 1));
      if (end < 1 || value === undefined || value === '')
        throw new CommandFailure(
          `weir: ${flag} must name a subgraph, and after = what is meant, such as ${example}.`,
          2,
        );
      return [text.slice(0, end), value];
    }),
  );
}

function httpUrl(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const { username, password } = new URL(text);
  if (username === '' && password === '') return text;
  throw new CommandFailure(
    'weir: a URL must have no user name and password, which would be in the list of processes: put the header into a variable of the environment, and name it with --header authorization=VARIABLE.',
    2,
  );
}
