import { GraphQLError } from 'graphql';
import { errors as codes } from '../errors';
import type { Send, SubgraphEvent, SubgraphRequest } from '../subgraph-calls/contract/transport';
import type { Execution } from './complete/write-response';
import { execute, type ExecuteOptions } from './execute';
import type { Program } from './program';
import { transportFailure } from './run/call-subgraph';

/**
 * The request that opens the source of a subscription's events (GraphQL, section 6.2.3.1, "Source Stream"). Undefined for
 * a program without one: nothing of the operation is left to its caller.
 */
export function sourceRequest(
  { source }: Program,
  variables: Readonly<Record<string, unknown>>,
): Pick<SubgraphRequest, 'operation' | 'variables'> | undefined {
  if (source === undefined) return undefined;
  const { request: operation, variableUsages } = source;
  return { operation, variables: variablesOf(variableUsages, variables) };
}

/**
 * Runs the program of a subscription for one event: the fetch that opened the source is answered with the event, the other
 * fetches are made (GraphQL, section 6.2.3.2, "Response Stream").
 */
export function executeEvent(
  program: Program,
  event: SubgraphEvent,
  { send, ...options }: ExecuteOptions,
): Promise<Execution> {
  const answer: Send = (call) =>
    call.operation.kind === 'subscription' ? Promise.resolve(event) : send(call);
  return execute(program, { ...options, send: answer });
}

/** The error that clients get where a source does not open, or breaks. */
export function sourceError(subgraph: string, reason: unknown): GraphQLError {
  const { code, message } = transportFailure(subgraph, reason);
  const http = { status: codes[code].status, headers: new Map<string, string>() };
  return new GraphQLError(message, { extensions: { code, service: subgraph, http } });
}

function variablesOf(names: readonly string[], variables: Readonly<Record<string, unknown>>): Buffer {
  const given = names.filter((name) => Object.hasOwn(variables, name));
  if (given.length === 0) return noVariables;
  return Buffer.from(JSON.stringify(Object.fromEntries(given.map((name) => [name, variables[name]]))));
}

const noVariables = Buffer.alloc(0);
