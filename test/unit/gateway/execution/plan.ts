/** Plans written by hand, for what the planner makes rarely or not yet. */
import { setImmediate } from 'node:timers/promises';
import { buildSchema, parse } from 'graphql';
import { compileOperation, execute } from '../../../../gateway/execution';
import {
  type FetchNode,
  type PlanNode,
  type RequiredSelection,
} from '../../../../gateway/execution/compile/plan';
import { type Send } from '../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../support/caller';

export const fetchOf = (service: string, operation: string, rest: Partial<FetchNode> = {}): FetchNode => ({
  kind: 'Fetch',
  serviceName: service,
  operation,
  operationName: undefined,
  operationKind: 'query',
  ...rest,
});
export const at = (path: string[], node: PlanNode): PlanNode => ({ kind: 'Flatten', path, node });
export const inSequence = (...nodes: PlanNode[]): PlanNode => ({ kind: 'Sequence', nodes });
export const inParallel = (...nodes: PlanNode[]): PlanNode => ({ kind: 'Parallel', nodes });
export const field = (name: string, ...selections: RequiredSelection[]): RequiredSelection =>
  selections.length === 0 ? { kind: 'Field', name } : { kind: 'Field', name, selections };
export const on = (typeCondition: string, ...selections: RequiredSelection[]): RequiredSelection => ({
  kind: 'InlineFragment',
  typeCondition,
  selections,
});
export const entities = (
  service: string,
  selection: string,
  requires: RequiredSelection[],
  rest: Partial<FetchNode> = {},
) =>
  fetchOf(
    service,
    `query($representations:[_Any!]!){_entities(representations:$representations){${selection}}}`,
    {
      requires,
      ...rest,
    },
  );

export interface Sent {
  readonly service: string;
  readonly document: string;
  readonly variables: Record<string, unknown>;
}

/** Runs a plan over answers: for each service what it answers to one call after the other. */
export async function run(options: {
  schema: string;
  operation: string;
  plan: PlanNode | undefined;
  answers: Record<string, unknown[]>;
  variables?: Record<string, unknown>;
  /** By service. @default none */
  interfaceObjects?: Record<string, readonly string[]>;
  /** By service, turns of the event loop that an answer takes. @default 0 */
  turns?: Record<string, number>;
}) {
  const schema = buildSchema(options.schema);
  const program = compileOperation({
    plan: { kind: 'QueryPlan', node: options.plan },
    schema,
    supergraphSchema: schema,
    subgraphs: new Map(
      Object.entries(options.interfaceObjects ?? {}).map(([service, names]) => [
        service,
        { interfaceObjects: new Set(names) },
      ]),
    ),
    document: parse(options.operation),
  });
  const sent: Sent[] = [];
  const left = structuredClone(options.answers);
  const send: Send = async ({ operation: { subgraph, document }, variables }) => {
    sent.push({
      service: subgraph,
      document,
      variables: variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>),
    });
    const answer = left[subgraph]!.shift();
    const isWhole = typeof answer === 'object' && answer !== null && ('data' in answer || 'errors' in answer);
    const body = Buffer.from(
      typeof answer === 'string' ? answer : JSON.stringify(isWhole ? answer : { data: answer }),
    );
    for (let turns = options.turns?.[subgraph] ?? 0; turns > 0; turns--) await setImmediate();
    return { status: 200, headers: {}, body };
  };
  const caller = callerOf();
  const { body } = await execute(program, { variables: options.variables, send, caller });
  return {
    text: body.toString(),
    ...(JSON.parse(body.toString()) as { data: unknown; errors?: { message: string; path?: unknown }[] }),
    sent,
  };
}
