import type { Program } from '../execution/program';
import type { Options } from '../options';
import { eventsSubgraph } from '../planning/event-fields';
import { rootFieldOf } from '../subgraph-calls/wire/root-field';

export interface SharedSubscription {
  /** The subscription at the subgraph. */
  readonly source: string;
  /** The execution for each event, whose bytes all who share it are given. */
  readonly executions: string;
}

/** What `subscriptionKeys` compares, in words. @param isProtected whether directives depend on the caller */
export function explainSubscription(
  { source, subgraphs: called }: Pick<Program, 'source' | 'subgraphs'>,
  { subgraphs, events }: Pick<Options, 'subgraphs' | 'events'>,
  isProtected: boolean,
): SharedSubscription | undefined {
  if (source === undefined) return undefined;
  const { subgraph } = source.request;
  const field = subgraph === eventsSubgraph ? rootFieldOf(source.request).name.value : undefined;
  const isIndependent = (name: string): boolean =>
    subgraphs[name]?.identity === 'independent' || name === eventsSubgraph;
  const dependent = called.filter((name) => !isIndependent(name));
  const isFiltered = field !== undefined && JSON.stringify(events.subscriptions[field]).includes('{$');
  const filtered = isFiltered ? ' and the same values in its filter' : '';
  const reasons = [
    ...(isProtected ? ['fields of it are protected by directives'] : []),
    ...(dependent.length > 0 ? [`${inList(dependent)} not \`identity: independent\``] : []),
  ];
  return {
    source:
      field !== undefined
        ? `events of ${events.subscriptions[field]!.types.join(', ')}, and no subscription at a subgraph: one for all clients with the same variables of it${filtered}`
        : isIndependent(subgraph)
          ? `one at ${subgraph} for all clients with the same variables of it`
          : `one at ${subgraph} for clients with the same variables of it and the same forwarded headers, and with private links the same identity, as ${subgraph} is not \`identity: independent\``,
    executions:
      reasons.length === 0
        ? `one for each event, for all clients with the same operation and variables${filtered}`
        : `one for each event, for clients with the same operation, variables, identity and forwarded headers, as ${reasons.join(', and ')}`,
  };
}

const inList = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]!} is` : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!} are`;
