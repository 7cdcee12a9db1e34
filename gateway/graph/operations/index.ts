/** The operations of one supergraph: compiles each once, remembers the result, and runs it. */
import { OperationTypeNode } from 'graphql';
import type { OperationResult } from '../../cache/responses/response-cache';
import type { PlannedOperation } from '../../planning';
import type { IncomingRequest } from '../../request/incoming-request';
import { sha256 } from '../../request/persisted/manifest';
import type { IncrementalFormat } from '../../request/sink';
import type { Flow } from '../../subgraph-calls/contract/source';
import { loggedIds } from '../../telemetry/logged-ids';
import { endWith } from '../../telemetry/traces/span';
import type { VariableValues } from '../../limits/variables';
import { type CompiledOperation, knownKey } from '../compiled-operation';
import type { Engine, KnownOperation } from '../engine';
import { logPlan } from '../observation/logged-plans';
import { beginPlan } from '../observation/traced';
import type { CountedProgram, Rejection } from '../programs';
import type { Subscriber } from '../subscriptions/event-caller';
import { Preparation } from '../subscriptions/preparation';
import type { AwaitPlan } from '../subscriptions/preparation-options';
import { checkOperation } from './checks';
import { type Signature, signatureOf } from '../../usage/signature';
import { OperationCompiler } from './compile';
import { Executions } from './executions';
import { AnswersInParts } from './in-parts';
import type { OperationOptions, OperationParts } from './options';
import { WholeAnswers } from './whole';

export type { OperationOptions } from './options';

export class SupergraphOperations implements Pick<Engine, 'learn' | 'known' | 'prepare'> {
  readonly #options: OperationOptions & OperationParts;
  readonly #compiler: OperationCompiler;
  readonly #whole: WholeAnswers;
  readonly #inParts: AnswersInParts;
  readonly #subscriptions: Preparation;

  constructor(options: OperationOptions & OperationParts) {
    this.#options = options;
    const executions = new Executions(options);
    this.#compiler = new OperationCompiler(options);
    this.#whole = new WholeAnswers(options, this.#compiler, executions);
    this.#inParts = new AnswersInParts(options, executions);
    const { caching, cursors, feedOf, hold, hooks, isDevelopment, limits } = options;
    const { objectionTo, programs, refuse, schema, subgraphs, subscribe, tracer } = options;
    this.#subscriptions = new Preparation({
      ...{ cursors, feedOf, hold, hooks, isDevelopment, limits, objectionTo, programs, refuse },
      ...{ schema, subgraphs, subscribe, tracer },
      showing: { ...options, answerHeaders: caching.answerHeaders },
      compile: (source, hash, operationName) => this.#compiler.compile(source, hash, operationName),
      plannedFor: (compiled, caller) => this.#compiler.plannedFor(compiled, caller),
      programFor: (planned, subscriber, awaitPlan) => this.#programFor(planned, subscriber, awaitPlan),
      perform: (...execution) => executions.perform(...execution),
    });
  }

  readonly learn: Engine['learn'] = ({ source, queryHash, request: { operationName } }) =>
    this.#options.cache.get(knownKey(source, operationName)) ??
    this.#asKnown(this.#compiler.compile(source, queryHash, operationName));

  readonly known: Engine['known'] = (document, operationName) => {
    const { cache, isValid } = this.#options;
    const known = cache.get(knownKey(document, operationName));
    if (known !== undefined || isValid?.(document, operationName) !== true) return known;
    return this.#asKnown(this.#compiler.compile(document, sha256(document), operationName));
  };

  get prepare(): Engine['prepare'] {
    return this.#subscriptions.prepareMoved;
  }

  #asKnown(compiled: CompiledOperation): KnownOperation {
    let isKept = false;
    let signature: Signature | undefined;
    const { schema } = this.#options;
    const isSubscription = compiled.operation.operation === OperationTypeNode.SUBSCRIPTION;
    const mayBeInParts = !isSubscription && compiled.defers;
    const operation: KnownOperation = {
      name: compiled.operation.name?.value ?? null,
      type: compiled.operation.operation,
      id: compiled.hash,
      document: compiled.source,
      operationName: compiled.operationName,
      mayDefer: mayBeInParts,
      signature: () => (signature ??= signatureOf(compiled.source, compiled.operationName, schema)),
      run: (variables, request, format) => {
        if (isSubscription) return this.#subscribe(compiled, variables, request, keep);
        if (mayBeInParts && format !== undefined)
          return this.#runInParts(compiled, variables, request, keep, format);
        return this.#whole.run(compiled, variables, request, keep);
      },
    };
    const keep = (): void => {
      if (isKept) return;
      isKept = true;
      const { bytes, operationName, source } = compiled;
      this.#options.cache.set(knownKey(source, operationName), operation, bytes);
    };
    return operation;
  }

  async #runInParts(
    compiled: CompiledOperation,
    variables: VariableValues,
    request: IncomingRequest,
    keep: () => void,
    format: IncrementalFormat,
  ): Promise<OperationResult | Flow<OperationResult>> {
    checkOperation(this.#options, compiled, variables, request);
    const planned = await this.#compiler.plannedFor(compiled, request);
    if (planned.refused !== undefined && planned.refused.length > 0) request.unmet = planned.refused;
    compiled.count?.(request, variables);
    const program = await this.#programFor(planned, request, (plan) => {
      const awaited = request.awaitPlan(plan, this.#options.planWaits);
      return request.timing?.ofPlan(awaited) ?? awaited;
    });
    keep();
    return this.#inParts.run(program, { compiled, variables, request, format });
  }

  /** Opens a subscription, together with those that request the same. */
  async #subscribe(
    compiled: CompiledOperation,
    variables: VariableValues,
    request: IncomingRequest,
    keep: () => void,
  ): Promise<Flow<OperationResult>> {
    const { planWaits, runningSubscriptions, subscribing } = this.#options;
    checkOperation(this.#options, compiled, variables, request);
    const preparing = this.#subscriptions.prepare(compiled, variables, request, (plan) =>
      request.awaitPlan(plan, planWaits),
    );
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    prepared.count(request);
    keep();
    request.cacheResult = 'PASS';
    return runningSubscriptions.open(prepared, request, subscribing, request.after);
  }

  async #programFor(
    planned: PlannedOperation,
    subscriber: Pick<Subscriber, 'sender' | 'tracing' | 'span'>,
    awaitPlan: AwaitPlan,
  ): Promise<CountedProgram | Rejection> {
    const { authorization, logger, planner, programs } = this.#options;
    const known = programs.peek(planned);
    if (known !== undefined) return known;
    const waiting = beginPlan(subscriber, planned, programs);
    const made = await endWith(waiting, awaitPlan(programs.get(planned, subscriber.sender)));
    logPlan({ logger, planner, authorization }, planned, loggedIds(subscriber));
    return made;
  }
}
