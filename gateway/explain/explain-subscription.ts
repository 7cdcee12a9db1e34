import type { Program } from '../execution/program';
import type { Options } from '../options';

/** What a subscription shares with other subscriptions, and with whose. */
export interface SharedSubscription {
  /** The subscription at the subgraph. */
  readonly source: string;
  /** The execution for each event, whose bytes all who share it are given. */
  readonly executions: string;
}

/**
 * Says what `subscriptionKeys` compares. Undefined for another operation.
 *
 * @param isProtected whether directives of the operation ask who the caller is
 */
export function explainSubscription(
  { source, subgraphs: called }: Pick<Program, 'source' | 'subgraphs'>,
  { subgraphs }: Pick<Options, 'subgraphs'>,
  isProtected: boolean,
): SharedSubscription | undefined {
  if (source === undefined) return undefined;
  const isIndependent = (name: string): boolean => subgraphs[name]?.identity === 'independent';
  const { subgraph } = source.request;
  const dependent = called.filter((name) => !isIndependent(name));
  const reasons = [
    ...(isProtected ? ['fields of it are protected by directives'] : []),
    ...(dependent.length > 0 ? [`${inList(dependent)} not \`identity: independent\``] : []),
  ];
  return {
    source: isIndependent(subgraph)
      ? `one at ${subgraph} for all clients with the same variables of it`
      : `one at ${subgraph} for clients with the same variables of it and the same forwarded headers, and with private links the same identity, as ${subgraph} is not \`identity: independent\``,
    executions:
      reasons.length === 0
        ? 'one for each event, for all clients with the same operation and variables'
        : `one for each event, for clients with the same operation, variables, identity and forwarded headers, as ${reasons.join(', and ')}`,
  };
}

const inList = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]!} is` : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!} are`;
