/** Over 300 lines: the ways to run an operation (whole, in parts, subscribed to) share what is compiled of it. */
import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
  parse,
} from 'graphql';
import type { ObjectTo } from '../auth/authentication';
import type { Authorization, Refused } from '../auth/directives';
import { anonymous, type Identity } from '../auth/identity';
import type { ServerTiming } from '../request/server-timing';
import type { IncomingRequest } from '../request/incoming-request';
import type { Hooks } from '../request/hooks';
import { sha256 } from '../request/persisted/manifest';
import type { PersistedOperations } from '../request/persisted/persisted-operations';
import type { IncrementalFormat } from '../request/sink';
import {
  charge,
  type CompiledOperation,
  knownKey,
  variableErrors,
  type Variables,
} from './compiled-operation';
import { deferredAnswer } from './deferred-answer';
import { showCalls, showExecution } from './observation/development';
import type { Caching } from '../cache/responses/caching';
import type { IdentifiedCaller } from '../cache/responses/flights';
import type { CacheResult } from '../cache/responses/answer-headers';
import { nullsOf } from '../cache/responses/stored-nulls';
import type { Answered } from '../cache/responses/response-cache';
import { explainVariable } from '../request/refusals/explain-variable';
import { fieldError, requestError, RequestErrors } from '../errors';
import {
  countNodes,
  type ErrorOptions,
  execute,
  executeEvent,
  executeInParts,
  type Execution,
  type MaskedError,
  mayDefer,
} from '../execution';
import type { Engine, KnownOperation } from './engine';
import type { Subgraph } from '../subgraph-calls/subgraph';
import { logPlan } from './observation/logged-plans';
import { noteNulls, ObservedNulls } from './observation/observed-nulls';
import type { ClientLimits } from '../limits/client-limits';
import { compileOperationCost } from '../limits/cost/operation-cost';
import { createCostReport } from '../limits/cost/report';
import { refuseOperation } from '../limits/operation-limits';
import type { PlanWaits } from '../admission/plan-waits';
import { limitCalls } from '../subgraph-calls/interceptors/limit-calls';
import type { CostDirectives } from '../../schema/supergraph/cost-directives';
import type { PlannedOperation, Planner } from '../planning';
import type { OperationCache, PlanCache } from './operation-cache';
import { type CountedProgram, Rejection } from './programs';
import { beginExecution, beginPlan, noteErrors, noteOperation } from './observation/traced';
import { patience, type Subscriber } from './subscriptions/event-caller';
import { type AwaitPlan, createPreparation, type PreparationOptions } from './subscriptions/preparation';
import type { SubscriptionOptions, Subscriptions } from './subscriptions/subscriptions';
import { type AnswerCounts, countedOperation } from '../telemetry/metrics/call-statistics';
import { loggedIds } from '../telemetry/logged-ids';
import type { Logger } from '../telemetry/logger';
import { logMasked, withoutWhatWasSent } from '../telemetry/masked-errors';
import type { Metrics } from '../telemetry/metrics/metrics';
import { endWith, errorTypeOf, type Span } from '../telemetry/traces/span';
import { noteCached } from '../telemetry/traces/trace-notes';
import type { Tracer } from '../telemetry/traces/tracer';
import type { ScopesInFlight } from '../subgraph-calls/sharing/scopes-in-flight';
import { follow } from '../subgraph-calls/contract/pending-answer';
import type { Flow } from '../subgraph-calls/contract/source';
import { TracedCaller } from '../subgraph-calls/traced-caller';
import type { Caller, Send, SubgraphEvent, Subscribe } from '../subgraph-calls/contract/transport';
import type { UsageRecorder } from '../usage/recorder';

/** Options for running operations that do not depend on the supergraph. */
export interface OperationOptions {
  readonly errors: ErrorOptions;
  /**
   * Adds the subgraph calls of an operation to the `extensions` of its answer, and its query plan for clients that send
   * `Apollo-Query-Plan-Experimental`.
   */
  readonly isDevelopment: boolean;
  readonly limits: ClientLimits;
  /** The most bytes of an answer. A larger answer is replaced by an error. */
  readonly mostBytes: number;
  readonly assumedListSize: number;
  /** Counts which fields operations use. @default nothing is counted */
  readonly usage?: UsageRecorder | undefined;
  readonly caching: Caching;
  readonly planWaits: PlanWaits;
  /** The safelist; undefined without one. */
  readonly refuse: PersistedOperations['refuse'];
  readonly hooks: Pick<Hooks, 'onOperation'>;
  /** Of the authentication; undefined without one. */
  readonly objectionTo: ObjectTo | undefined;
  /** Those that run in this process. */
  readonly runningSubscriptions: Subscriptions;
  readonly cursors: PreparationOptions['cursors'];
  /** The bounds of new ones. */
  readonly subscribing: SubscriptionOptions;
  readonly metrics: Metrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly logger: Logger;
}

/** The parts of one supergraph that run operations. */
interface Parts {
  /** Identifies the supergraph in cache keys. */
  readonly supergraph: string;
  readonly schema: GraphQLSchema;
  /** Undefined for a supergraph without cost directives. */
  readonly costs: CostDirectives | undefined;
  readonly planner: Planner;
  readonly programs: PlanCache<CountedProgram | Rejection>;
  /** Whether an operation is known to be valid before it was learned. @default none is */
  readonly isValid?: ((document: string, operationName: string | undefined) => boolean) | undefined;
  /** Operations that have been answered. */
  readonly cache: OperationCache<KnownOperation>;
  readonly authorization: Authorization;
  readonly send: Send;
  /** Opens sources of events. */
  readonly subscribe: Subscribe;
  /** What feeds a subscription; undefined for a source of a subgraph. */
  readonly feedOf: PreparationOptions['feedOf'];
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  /** Keeps the generation open until the function that it returns is called. */
  readonly hold: () => () => void;
  readonly scopes: ScopesInFlight;
  /** Chooses, for one request, which labels of progressive `@override`s are on. */
  readonly chooseOverrides: () => readonly string[];
}

/** An execution that is under way. */
interface Performing {
  readonly compiled: CompiledOperation;
  readonly variables: Variables;
  readonly caller: Caller;
  readonly span: Span | undefined;
  readonly observed: ObservedNulls | undefined;
}

/** A request that is waiting for the answer to its operation. */
interface Running {
  readonly compiled: CompiledOperation;
  readonly variables: Variables;
  readonly request: IncomingRequest;
  readonly keep: () => void;
  readonly planned: PlannedOperation;
  /** Whether its own execution has begun: else it is answered by that of another one, or from the cache. */
  isOwn: boolean;
}

/** The operations of one supergraph: compiles each once, remembers the result, and runs it. */
export function createOperations(
  options: OperationOptions & Parts,
): Pick<Engine, 'learn' | 'known' | 'prepare'> {
  const { errors, isDevelopment, limits, mostBytes, assumedListSize, usage, planWaits, metrics } = options;
  const { supergraph, schema, planner, authorization, programs, send, scopes, chooseOverrides } = options;
  const { logger, isValid } = options;
  const known = options.cache;
  const { responses } = options.caching;
  const origins = JSON.stringify(
    Array.from(options.subgraphs.values(), ({ name, origin }) => [name, origin]),
  );
  const costSource = { schema, directives: options.costs, assumedListSize };
  const reportCost = createCostReport(metrics.meter);
  const showing = { planner, authorization, answerHeaders: options.caching.answerHeaders };
  const perform = (
    program: CountedProgram | Rejection,
    compiled: CompiledOperation,
    variables: Variables,
    caller: Pick<IdentifiedCaller, 'identity'> & Caller,
    { event, timing }: { readonly event?: SubgraphEvent; readonly timing?: ServerTiming | undefined } = {},
  ): Promise<Execution> => {
    if (program instanceof Rejection)
      return Promise.reject(requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: program.fields }));
    scopes.enter(caller.scope);
    const span = beginExecution(caller, compiled);
    program.tally.begin(compiled.isOpen);
    // Nobody plans the fetch that opened the source for an event.
    if (event !== undefined) program.tally.of(program.source!.request.subgraph).planned--;
    const limited = limitCalls(send, limits.of(caller.identity).calls);
    const bounded = timing?.around(limited) ?? limited;
    const traced = span === undefined ? caller : new TracedCaller(caller, span);
    const observed = ObservedNulls.for(isDevelopment, span);
    const how = { variables, send: bounded, caller: traced, errors, nulls: observed };
    const executing = event === undefined ? execute(program, how) : executeEvent(program, event, how);
    return follow(executing, { compiled, variables, caller, span, observed }, performed, notPerformed);
  };
  const performed = (result: Execution, performing: Performing): Execution => {
    const { compiled, variables, caller, span, observed } = performing;
    try {
      const execution = observed === undefined ? result : { ...result, nulls: observed.nulls };
      if (span !== undefined) {
        noteErrors(span, execution);
        noteNulls(span, observed);
      }
      measure(execution, compiled, variables);
      if (execution.masked === undefined) return execution;
      return { ...execution, masked: logWhatIsMasked(execution.masked, compiled, variables, caller) };
    } catch (error) {
      span?.fail(errorTypeOf(error));
      throw error;
    } finally {
      span?.end();
      scopes.leave(caller.scope);
    }
  };
  const notPerformed = (error: unknown, { caller, span }: Performing): never => {
    span?.fail(errorTypeOf(error));
    span?.end();
    scopes.leave(caller.scope);
    throw error;
  };
  /** Throws where an answer that is whole is too large. Records its cost. */
  const measure = ({ body, data }: Execution, { cost }: CompiledOperation, variables: Variables): void => {
    const { length } = body;
    if (length > mostBytes) throw requestError('RESPONSE_TOO_LARGE', { got: length, limit: mostBytes });
    reportCost.whole(cost, variables, data);
  };
  /** Returns it without what the client has sent. */
  const logWhatIsMasked = (
    errorsWithTexts: readonly MaskedError[],
    { source: document }: CompiledOperation,
    variables: Variables,
    caller: Caller,
  ): readonly MaskedError[] => {
    const sent = { document, variables, headers: headersOf(caller) };
    const masked = withoutWhatWasSent(errorsWithTexts, sent);
    logMasked(logger, loggedIds(caller), masked);
    return masked;
  };
  const plannedOf = (
    document: string,
    documentHash: string,
    operationName: string | undefined,
    refused: Refused,
  ): PlannedOperation => ({
    document,
    documentHash,
    operationName,
    overrideLabels: chooseOverrides(),
    refused,
  });
  const compile = (source: string, hash: string, operationName: string | undefined): CompiledOperation => {
    const document = parse(source, { noLocation: true });
    const operation = getOperationAST(document, operationName)!;
    const cost = compileOperationCost(document, operation, costSource);
    const refuse = refuseOperation(source, cost, limits);
    const access = authorization.accessTo(document, operation);
    const isOpenTo = (identity: Identity): boolean => access.isOpenTo(identity);
    const cached = responses.describe({
      ...{ document, operation, schema, supergraph, origins },
      documentHash: hash,
    });
    return {
      ...{ source, hash, operation, operationName, cost, refuse, access },
      counted: countedOperation(operation.operation, operation.name?.value),
      isOpen: access.isOpenTo(anonymous),
      bytes: sizeOfKnown(document),
      defers: mayDefer(document),
      count: usage?.operation(source, operationName, schema),
      // Called for each request. Spreads would cost a microsecond here.
      cacheQuery: (variables, refused) => ({
        operation: cached,
        variables,
        refuse,
        variant: access.variantOf(refused),
        isOpenTo,
      }),
    };
  };

  /** Throws where this client may not run it with these variables. Counts its cost. */
  function check(compiled: CompiledOperation, variables: Variables, request: IncomingRequest): void {
    const refusal = compiled.refuse(variables, request.identity);
    if (refusal !== undefined) throw refusal;
    noteOperation(request, compiled, variables, limits);
    const wrong = variableErrors(schema, compiled, variables);
    if (wrong !== undefined)
      throw new RequestErrors(
        isDevelopment ? wrong : wrong.map(withoutHint),
        wrong.map((error) => explainVariable(schema, error, variables)),
      );
    charge(request, compiled.cost, variables);
  }

  /** Throws, or rejects, where it may not run. */
  function run(
    compiled: CompiledOperation,
    variables: Variables,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<Answered> {
    const { access } = compiled;
    check(compiled, variables, request);
    const refused = access.peek(request.identity);
    if (refused !== undefined) return runWithout(refused, compiled, variables, request, keep);
    return endWith(request.span?.child('weir.authorize'), access.decide(request.identity)).then((decided) =>
      runWithout(decided, compiled, variables, request, keep),
    );
  }

  function runWithout(
    refused: Refused,
    compiled: CompiledOperation,
    variables: Variables,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<Answered> {
    const { source, hash, operationName, count, cacheQuery } = compiled;
    const planned = plannedOf(source, hash, operationName, refused);
    count?.(request, variables);
    const running: Running = { compiled, variables, request, keep, planned, isOwn: false };
    const answer = responses.answer(cacheQuery(variables, refused), request, (caller) => {
      running.isOwn = true;
      const start = (program: CountedProgram | Rejection): Promise<Execution> => {
        // An operation is remembered only once it is planned: one that cannot be planned would evict one that can.
        keep();
        return perform(program, compiled, variables, caller, request);
      };
      const program = programs.peek(planned);
      if (program !== undefined) return start(program);
      const waiting = beginPlan(caller, planned, programs);
      const awaited = caller.awaitPlan(programs.get(planned, request.sender), planWaits);
      const plan = request.timing?.ofPlan(awaited) ?? awaited;
      return endWith(waiting, plan).then((made) => {
        logPlan({ logger, planner, authorization }, planned, loggedIds(request));
        return start(made);
      });
    });
    return follow(answer, running, noteAnswer, undefined);
  }

  function noteAnswer(
    answered: Answered,
    { compiled, variables, request, keep, planned, isOwn }: Running,
  ): Answered | Promise<Answered> {
    // A request that shares the execution of another one logs the masked errors under its own id, too.
    if (answered.masked !== undefined && !isOwn) logMasked(logger, loggedIds(request), answered.masked);
    request.cacheResult = answered.cachedReply?.result ?? 'PASS';
    const isNoted = isOwn && request.cacheResult === 'MISS';
    noteCached(request.span, answered.cachedReply?.answer, isNoted ? undefined : nullsOf);
    metrics.calls.of(compiled.counted).answers[countedAs(request.cacheResult, isOwn)]++;
    request.errorsLeftOut += answered.errorsLeftOut;
    keep();
    if (!isDevelopment) return answered;
    const shown = showExecution(showing, { planned, variables, cost: compiled.cost, answered, request });
    return shown.then((extensions) => ({ ...answered, extensions }));
  }

  /**
   * Runs it so that deferred fragments are sent later. Its answer is not cached, and shared with nobody; its entities are.
   *
   * @param format undefined for a client that takes no answers in parts: nothing is deferred
   */
  async function runInParts(
    compiled: CompiledOperation,
    variables: Variables,
    request: IncomingRequest,
    keep: () => void,
    format: IncrementalFormat | undefined,
  ): Promise<Answered | Flow<Answered>> {
    if (format === undefined) return run(compiled, variables, request, keep);
    const { cost, count } = compiled;
    check(compiled, variables, request);
    const planned = await plannedFor(compiled, request.identity);
    count?.(request, variables);
    const program = await programFor(planned, request, (plan) => {
      const awaited = request.awaitPlan(plan, planWaits);
      return request.timing?.ofPlan(awaited) ?? awaited;
    });
    keep();
    request.cacheResult = 'PASS';
    if (program instanceof Rejection) return perform(program, compiled, variables, request);
    scopes.enter(request.scope);
    request.onEnd(() => {
      scopes.leave(request.scope);
    });
    program.tally.begin(compiled.isOpen);
    metrics.calls.of(compiled.counted).answers.pass++;
    const limited = limitCalls(send, limits.of(request.identity).calls);
    const bounded = request.timing?.around(limited) ?? limited;
    const repeatsFields = format === '20220824';
    const span = beginExecution(request, compiled);
    const caller = span === undefined ? request : new TracedCaller(request, span);
    const observed = ObservedNulls.for(isDevelopment, span);
    const how = { variables, send: bounded, caller, errors, repeatsFields, nulls: observed };
    let logged = 0;
    const finish = <Sent extends Execution>(part: Sent): Sent => {
      request.errorsLeftOut += part.errorsLeftOut;
      const masked = part.masked?.slice(logged) ?? [];
      logged += masked.length;
      if (masked.length === 0) return { ...part, masked: undefined };
      return { ...part, masked: logWhatIsMasked(masked, compiled, variables, request) };
    };
    const answer = await executeInParts(program, how);
    if (span !== undefined) {
      if ('next' in answer)
        void answer.fetched.then(() => {
          noteNulls(span, observed);
          span.end();
        });
      else {
        noteErrors(span, answer);
        noteNulls(span, observed);
        span.end();
      }
    }
    const extensions = (): Readonly<Record<string, unknown>> =>
      showCalls(cost, variables, request, observed?.nulls);
    if (!('next' in answer)) {
      measure(answer, compiled, variables);
      return { ...finish(answer), extensions: isDevelopment ? extensions() : undefined };
    }
    const countCost = reportCost.inParts(cost, variables);
    void answer.fetched.then(request.workOn());
    const { timeout, deadline } = request;
    const late = setTimeout(
      () => {
        answer.expire(fieldError('GATEWAY_TIMEOUT', { timeout }));
      },
      deadline + patience - performance.now(),
    );
    request.onSettle(() => {
      clearTimeout(late);
    });
    return deferredAnswer(answer, {
      format,
      mostBytes: Math.min(mostBytes, request.sink.longest ?? Infinity),
      finish: (part) => {
        countCost?.(part);
        return finish(part);
      },
      extensions: isDevelopment ? extensions : undefined,
      onDefect: (error) => {
        logger.error({ err: error, ...loggedIds(request) }, 'an operation failed');
      },
    });
  }

  async function plannedFor(
    { source, hash, operationName, access }: CompiledOperation,
    identity: Identity,
  ): Promise<PlannedOperation> {
    return plannedOf(source, hash, operationName, access.peek(identity) ?? (await access.decide(identity)));
  }

  async function programFor(
    planned: PlannedOperation,
    subscriber: Pick<Subscriber, 'sender' | 'tracing' | 'span'>,
    awaitPlan: AwaitPlan,
  ): Promise<CountedProgram | Rejection> {
    const known = programs.peek(planned);
    if (known !== undefined) return known;
    const waiting = beginPlan(subscriber, planned, programs);
    const made = await endWith(waiting, awaitPlan(programs.get(planned, subscriber.sender)));
    logPlan({ logger, planner, authorization }, planned, loggedIds(subscriber));
    return made;
  }

  /** Opens a subscription, together with those who ask the same. */
  async function subscribe(
    compiled: CompiledOperation,
    variables: Variables,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<Flow<Answered>> {
    check(compiled, variables, request);
    const prepared = await subscriptions.prepare(compiled, variables, request, (plan) =>
      request.awaitPlan(plan, planWaits),
    );
    prepared.count(request);
    keep();
    request.cacheResult = 'PASS';
    return options.runningSubscriptions.open(prepared, request, options.subscribing, request.after);
  }

  const subscriptions = createPreparation({
    ...{ schema, isDevelopment, limits, programs, showing, compile, plannedFor, programFor, perform },
    ...{ subgraphs: options.subgraphs, subscribe: options.subscribe, feedOf: options.feedOf },
    hold: options.hold,
    cursors: options.cursors,
    ...{ refuse: options.refuse, hooks: options.hooks, objectionTo: options.objectionTo },
    tracer: options.tracer,
  });

  const asKnown = (compiled: CompiledOperation): KnownOperation => {
    let isKept = false;
    const isSubscription = compiled.operation.operation === OperationTypeNode.SUBSCRIPTION;
    const mayBeInParts = !isSubscription && compiled.defers;
    const startWhole = isSubscription ? subscribe : run;
    const start = mayBeInParts ? runInParts : startWhole;
    const operation: KnownOperation = {
      name: compiled.operation.name?.value ?? null,
      type: compiled.operation.operation,
      id: compiled.hash,
      document: compiled.source,
      operationName: compiled.operationName,
      mayDefer: mayBeInParts,
      run: (variables, request, format) => start(compiled, variables, request, keep, format),
    };
    const keep = (): void => {
      if (isKept) return;
      isKept = true;
      known.set(knownKey(compiled.source, compiled.operationName), operation, compiled.bytes);
    };
    return operation;
  };

  return {
    learn({ source, queryHash, request: { operationName } }) {
      return known.get(knownKey(source, operationName)) ?? asKnown(compile(source, queryHash, operationName));
    },
    known: (document, operationName) =>
      known.get(knownKey(document, operationName)) ??
      (isValid?.(document, operationName) === true
        ? asKnown(compile(document, sha256(document), operationName))
        : undefined),
    prepare: subscriptions.prepareMoved,
  };
}

/**
 * Bytes on the heap, fitted to measurements of operations of several forms. Most bytes are syntax trees and costs, and
 * both grow with the number of nodes.
 */
const sizeOfKnown = (document: DocumentNode): number => 5500 + 230 * countNodes(document);

/**
 * How an answer is counted.
 *
 * @param isOwn whether its request began an execution, which for a stale answer is a refresh
 */
function countedAs(result: CacheResult, isOwn: boolean): keyof AnswerCounts {
  if (result === 'HIT') return 'hit';
  if (result === 'STALE') return 'stale';
  if (!isOwn) return 'coalesced';
  return result === 'MISS' ? 'miss' : 'pass';
}

/** All headers that subgraphs got from a caller. */
const headersOf = ({ headers, bySubgraph, tracing, signedIdentity = '' }: Caller): Caller['headers'][] => [
  ...[headers, tracing, { 'weir-identity': signedIdentity }],
  ...[...(bySubgraph?.values() ?? [])].map((own) => own.headers),
];

/**
 * Removes suggestions of schema names, which are only for development. Apollo Server does the same for errors of
 * invalid documents.
 */
function withoutHint({ message, nodes, originalError }: GraphQLError): GraphQLError {
  // No regular expression: the message quotes text of the client, which may contain the beginning of a hint many times.
  const hint = message.endsWith('?') ? message.lastIndexOf(' Did you mean ') : -1;
  const told = hint === -1 ? message : message.slice(0, hint);
  return new GraphQLError(told, { nodes: nodes ?? null, originalError: originalError ?? null });
}
