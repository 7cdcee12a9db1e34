import type { Command } from 'commander';
import type { Options } from '../../gateway/options';
import type { Context } from '../context';
import { readOptions, withOptionsErrors } from '../gateway-options';
import type { IntrospectionCalls } from './introspect-as-gateway';
import type * as IntrospectAsGateway from './introspect-as-gateway';

/** The flag for how subgraphs are introspected. */
export interface IntrospectionFlags {
  readonly options?: string;
  /** Reads the options again for each request, as their file may change while the command runs. */
  readonly watch?: true;
}

/** How a command introspects subgraphs. */
export type Introspect = Omit<IntrospectionCalls, 'close'>;

export const addIntrospectionFlags = (command: Command): Command =>
  command.option(
    '--options <FILE>',
    'options of the gateway, in YAML: subgraphs are introspected with its headers, credentials and certificates',
  );

/**
 * Lets a command introspect subgraphs as a gateway with these options calls them. Without options: through the proxies of
 * the environment, with the keys of private links. Nothing is loaded before a subgraph is introspected.
 *
 * @throws {CommandFailure} when the options are wrong
 */
export async function withIntrospection<Result>(
  { options: file, watch }: IntrospectionFlags,
  context: Context,
  run: (calls: Introspect) => Promise<Result>,
): Promise<Result> {
  let last: Options | undefined;
  const read = () => {
    if (last === undefined || watch)
      last = readOptions(file === undefined ? {} : { config: file }, context).options;
    return last;
  };
  if (file !== undefined) await withOptionsErrors(read);
  let calls: IntrospectionCalls | undefined;
  const open = (): IntrospectionCalls =>
    (calls ??= (require('./introspect-as-gateway') as typeof IntrospectAsGateway).introspectByProxies(
      read,
      context.env,
    ));
  try {
    return await run({
      sign: (introspection) => open().sign(introspection),
      fetch: (introspection, init) => open().fetch(introspection, init),
    });
  } finally {
    await calls?.close();
  }
}
