import { GraphQLError } from 'graphql';
import { errors as codes } from '../errors';
import { mapSource, type Source } from '../subgraph-calls/source';
import type { Caller, Send, Subscribe, SubgraphResponse } from '../subgraph-calls/transport';
import type { CompiledSubscription } from './program';
import { execute, type ExecuteOptions, type Execution } from './execute';
import { transportFailure } from './run/call-subgraph';

export interface SubscribeOptions extends ExecuteOptions {
  /** Opens the source of events. */
  readonly open: Subscribe;
  /** Makes the caller of one event, with a deadline and answer provenance of its own. */
  readonly callerOfEvent: () => Caller;
}

/**
 * Opens the source of a subscription, and runs its program for each event (GraphQL, section 6.2.3, "Subscription").
 * Rejects with a `GraphQLError` if the source does not open. The returned source rejects so if the subgraph's breaks.
 */
export async function subscribe(
  { source, program }: CompiledSubscription,
  { open, send, caller, callerOfEvent, variables = {}, errors }: SubscribeOptions,
): Promise<Source<Execution>> {
  const { request: operation, variableUsages } = source;
  const failed = (reason: unknown): never => fail(operation.subgraph, reason);
  const request = { operation, variables: variablesOf(variableUsages, variables), caller };
  const events = await open(request).catch(failed);
  const told: Source<SubgraphResponse> = {
    next: () => events.next().catch(failed),
    close: () => {
      events.close();
    },
  };
  return mapSource(told, (event) => {
    const answer: Send = (call) =>
      call.operation.kind === 'subscription' ? Promise.resolve(event) : send(call);
    return execute(program, { variables, send: answer, caller: callerOfEvent(), errors });
  });
}

function variablesOf(names: readonly string[], variables: Readonly<Record<string, unknown>>): Buffer {
  const given = names.filter((name) => Object.hasOwn(variables, name));
  if (given.length === 0) return noVariables;
  return Buffer.from(JSON.stringify(Object.fromEntries(given.map((name) => [name, variables[name]]))));
}

const noVariables = Buffer.alloc(0);

function fail(subgraph: string, reason: unknown): never {
  const { code, message } = transportFailure(subgraph, reason);
  const http = { status: codes[code].status, headers: new Map<string, string>() };
  throw new GraphQLError(message, { extensions: { code, service: subgraph, http } });
}
