import type { Execution } from '../../execution';
import type { PlannedOperation } from '../../planning';
import type { PlanCache } from '../operation-cache';
import type { EventCaller } from '../subscriptions/event-caller';
import { setCalls } from '../../telemetry/traces/request-span';
import type { Caller } from '../../subgraph-calls/contract/transport';
import type { Attributes, Span } from '../../telemetry/traces/span';
import type { ClientLimits } from '../../limits/client-limits';
import type { IncomingRequest } from '../../request/incoming-request';
import type { VariableValues } from '../../limits/variables';
import type { CompiledOperation } from '../compiled-operation';

/** Begins the span of an execution. Undefined where nothing is traced. */
export function beginExecution(
  { span }: Pick<Caller, 'span'>,
  compiled: CompiledOperation,
): Span | undefined {
  if (span === undefined) return undefined;
  const execution = span.child('graphql.execute');
  let shared = ofExecutions.get(compiled);
  if (shared === undefined) {
    const { operation, hash } = compiled;
    shared = {
      ...{ 'graphql.operation.type': operation.operation, 'weir.operation.id': hash },
      ...(operation.name && { 'graphql.operation.name': operation.name.value.slice(0, longestName) }),
    };
    ofExecutions.set(compiled, shared);
  }
  execution.shared = shared;
  return execution;
}

const ofExecutions = new WeakMap<CompiledOperation, Attributes>();

/** Notes the errors of an answer in its span, each with its path. Messages are left out: they may quote what a client sent. */
export function noteErrors(span: Span, { errors, errorsLeftOut }: Execution): void {
  if (errors.length === 0) return;
  span.set('weir.errors', errors.length + errorsLeftOut);
  for (const { path, extensions } of errors) {
    const { code, service } = extensions;
    span.addEvent('graphql.error', {
      ...(path !== undefined && { 'graphql.path': path.join('.').slice(0, longestName) }),
      ...(typeof code === 'string' && { 'weir.error.code': code.slice(0, 100) }),
      ...(typeof service === 'string' && { 'weir.subgraph.name': service }),
    });
  }
  const [first] = errors;
  span.fail(codeOf(first?.extensions['code']));
}

const codeOf = (code: unknown): string => (typeof code === 'string' ? code.slice(0, 100) : '_OTHER');

/** Notes for the console what an operation costs, before it runs. */
export function noteOperation(
  { span, identity }: Pick<IncomingRequest, 'span' | 'identity'>,
  { cost }: Pick<CompiledOperation, 'cost'>,
  variables: VariableValues,
  limits: ClientLimits,
): void {
  const notes = span?.trace.notes;
  if (notes === undefined) return;
  notes.cost = { estimated: cost.estimate(variables).cost, limit: limits.of(identity).cost };
  if (span?.trace.source.recorder?.values === true) notes.variables = variables;
}

/** Notes in the span of an event what it is the answer of. */
export function noteEvent(
  span: Span,
  { operation, hash, source, operationName }: CompiledOperation,
  { tracing, calls, graph }: Pick<EventCaller, 'tracing' | 'calls' | 'graph'>,
): void {
  span.set('weir.request.id', tracing['x-request-id']);
  if (graph !== undefined) span.set('weir.graph', graph);
  span.set('graphql.operation.type', operation.operation);
  span.set('graphql.operation.name', operation.name?.value.slice(0, longestName));
  span.set('weir.operation.id', hash);
  setCalls(span, calls);
  const { notes } = span.trace;
  if (notes === undefined) return;
  notes.document = source;
  notes.operationName = operationName;
}

/** Begins the span of waiting for a plan. To be called before the plan is requested. */
export function beginPlan(
  { span }: Pick<Caller, 'span'>,
  planned: PlannedOperation,
  programs: Pick<PlanCache<object>, 'isPending'>,
): Span | undefined {
  if (span === undefined) return undefined;
  const plan = span.child('graphql.plan');
  plan.set('weir.plan.result', programs.isPending(planned) ? 'waited' : 'miss');
  return plan;
}

/** Characters: names and response keys are the client's. */
export const longestName = 200;
