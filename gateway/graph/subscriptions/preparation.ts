/** Over 300 lines: what is prepared for an operation, and the answers to its events, are made of the same parts. */
import { hash, randomUUID } from 'node:crypto';
import { Kind, parse, validate } from 'graphql';
import { LRUCache } from 'lru-cache';
import { withTimeout } from '../../net/time-limit';
import type { Identity } from '../../auth/identity';
import type { OperationResult } from '../../cache/responses/response-cache';
import { canonicalJson } from '../../cache/responses/response-keys';
import { explainVariable } from '../../request/refusals/explain-variable';
import { requestError, RequestErrors } from '../../errors';
import type { BoundFeed } from '../../events/fed-fields';
import { MissingFilterValue } from '../../events/filter';
import { type Execution, sourceError, sourceRequest } from '../../execution';
import type { PlannedOperation } from '../../planning';
import { validationRules } from '../../request/validation-rules';
import {
  type SubgraphEvent,
  type SubgraphRequest,
  type Subscribe,
  TransportError,
} from '../../subgraph-calls/contract/transport';
import type { VariableValues } from '../../limits/variables';
import { charge, type CompiledOperation, knownKey, variableErrors, variantOf } from '../compiled-operation';
import { showExecution } from '../observation/development';
import { noteEvent } from '../observation/traced';
import { errorTypeOf, type Span } from '../../telemetry/traces/span';
import { rootFieldOf } from '../../subgraph-calls/wire/root-field';
import { type CountedProgram, Rejection } from '../programs';
import { EventCaller, patience, type Subscriber } from './event-caller';
import { OperationKeys, SubscriptionKeys } from './keys';
import { LastAnswer } from './last-answer';
import type { EventAnswer, Prepare, PreparedSubscription } from './prepared';
import type { AwaitPlan, PreparationOptions } from './preparation-options';
import { type PreparedOperation, SubscriptionOfCaller } from './subscription-of-caller';

/** Prepares subscriptions for one generation: those of new clients, and those that began on another generation. */
export class Preparation {
  readonly #options: PreparationOptions;
  readonly #generation = ++generations;
  /** Operations that began on another generation. */
  readonly #moved = new LRUCache<string, CompiledOperation>({
    maxSize: mostMovedBytes,
    sizeCalculation: ({ bytes }, key) => bytes + 2 * key.length,
  });

  /** The last one of each program. */
  readonly #operations = new WeakMap<CountedProgram, KnownOperation>();
  readonly #last = new LastAnswer();

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /**
   * Without a promise where the plan is known. Keeps the generation open from the beginning: another one may replace it
   * meanwhile.
   */
  prepare(
    compiled: CompiledOperation,
    variables: VariableValues,
    subscriber: Subscriber,
    awaitPlan: AwaitPlan = (plan) => plan,
  ): PreparedSubscription | Promise<PreparedSubscription> {
    const { hold, plannedFor, programs } = this.#options;
    const held = { compiled, variables, subscriber, release: hold() };
    try {
      const planned = plannedFor(compiled, subscriber);
      const program = planned instanceof Promise ? undefined : programs.peek(planned);
      return planned instanceof Promise || program === undefined
        ? this.#prepareWhenPlanned(held, planned, awaitPlan)
        : this.#prepare(held, planned, program);
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** Prepares a subscription that began on another generation, or with other options. */
  readonly prepareMoved: Prepare = async ({ document, operationName, variables }, subscriber) => {
    const { refuse, schema } = this.#options;
    const untrusted = refuse?.(document);
    if (untrusted !== undefined) throw untrusted;
    const compiled = this.#compileMoved(document, operationName);
    const wrong = variableErrors(schema, compiled, variables);
    if (wrong !== undefined)
      throw new RequestErrors(
        wrong,
        wrong.map((error) => explainVariable(schema, error, variables)),
      );
    return this.prepare(compiled, variables, subscriber);
  };

  #compileMoved(document: string, operationName: string | undefined): CompiledOperation {
    const key = knownKey(document, operationName);
    const known = this.#moved.get(key);
    if (known !== undefined) return known;
    const { compile, schema } = this.#options;
    const parsed = parse(document, { noLocation: true });
    const [invalid] = validate(schema, parsed, validationRules, { maxErrors: 1 });
    if (invalid !== undefined) {
      const logged = 'The graph has changed, and the subscription is not valid any more.';
      const reason = `${logged.slice(0, -1)}: ${invalid.message}`;
      throw requestError('GRAPHQL_VALIDATION_FAILED', { reason }, { logged });
    }
    const compiled = compile(document, hash('sha256', document, 'hex'), operationName);
    this.#moved.set(key, compiled);
    return compiled;
  }

  async #prepareWhenPlanned(
    held: HeldSubscription,
    planning: PlannedOperation | Promise<PlannedOperation>,
    awaitPlan: AwaitPlan,
  ): Promise<PreparedSubscription> {
    try {
      const planned = await planning;
      return this.#prepare(
        held,
        planned,
        await this.#options.programFor(planned, held.subscriber, awaitPlan),
      );
    } catch (error) {
      held.release();
      throw error;
    }
  }

  #prepare(
    { compiled, variables, subscriber, release }: HeldSubscription,
    { refused = [] }: PlannedOperation,
    program: CountedProgram | Rejection,
  ): PreparedSubscription {
    const operation = this.#operationOf(compiled, variables, program);
    const { opening } = operation;
    const feed = this.#feedFor(compiled, opening, subscriber.identity);
    const keys = new SubscriptionKeys(subscriber, operation.keys, {
      feed,
      variant: variantOf(compiled, refused, subscriber),
      calls: this.#options.limits.of(subscriber.identity).calls,
    });
    const longest = subscriber.timeout + patience;
    return new SubscriptionOfCaller(operation, keys, {
      isFed: feed !== undefined,
      openSource: async (caller, after) =>
        feed === undefined ? this.#openSource({ ...opening, caller, after }, longest) : feed.open(after),
      release,
    });
  }

  /** What is the same for all who subscribe with equal variables: mostly, they come one after the other. */
  #operationOf(
    compiled: CompiledOperation,
    variables: VariableValues,
    program: CountedProgram | Rejection,
  ): KnownOperation {
    const refused = (): Error =>
      requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: this.#rootFieldsOf(compiled) });
    if (program instanceof Rejection) throw refused();
    // Variables that are nested too deeply to be compared are equal to no others.
    const canonicalVariables = canonicalJson(variables) ?? randomUUID();
    const known = this.#operations.get(program);
    if (known?.compiled === compiled && known.canonicalVariables === canonicalVariables) return known;
    const opening = sourceRequest(program, variables);
    if (opening === undefined) throw refused();
    const { cursors, subgraphs } = this.#options;
    const { source: document, hash, operationName, cost, count } = compiled;
    const { subgraph } = opening.operation;
    const requested = { compiled, variables, canonicalVariables };
    const made: KnownOperation = {
      ...{ ...requested, opening, cursors, subgraph },
      keys: new OperationKeys({
        ...{ generation: this.#generation, hash, variables, opening, subgraphs },
        ...{ called: program.subgraphs, operation: compiled.operation },
      }),
      text: { document, operationName, variables },
      prepare: this.prepareMoved,
      field: rootFieldOf(opening.operation).name.value,
      protocol: subgraphs.get(subgraph)?.subscriptions.protocol ?? 'websocket',
      bounds: subgraphs.get(subgraph)?.subscriptions.bounds ?? {},
      sourceError: (reason) => sourceError(subgraph, reason),
      answer: (event, caller) =>
        this.#lastAnswer(requested, event, caller) ?? this.#answerInTime(requested, event, caller),
      readmit: (request) => this.#readmit(compiled, variables, request),
      charge: (request) => charge(request, cost, variables),
      count: (request) => {
        count?.(request, variables);
      },
    };
    this.#operations.set(program, made);
    return made;
  }

  /** Rejects with a `GraphQLError` where it cannot be opened. @param longest in milliseconds */
  async #openSource(request: Parameters<Subscribe>[0], longest: number): ReturnType<Subscribe> {
    const { subgraph } = request.operation;
    const source = this.#options.subscribe(request);
    try {
      return await withTimeout(
        longest,
        () => source,
        () => new TransportError(subgraph, 'timeout'),
      );
    } catch (reason) {
      source.then((tooLate) => tooLate.close()).catch(() => undefined);
      throw sourceError(subgraph, reason);
    }
  }

  /** The answer to the last event, where another client has got the same, and no fetch but that of the source is made. */
  #lastAnswer(
    { compiled, canonicalVariables }: RequestedEvents,
    { body }: SubgraphEvent,
    caller: Subscriber,
  ): EventAnswer | undefined {
    const { isDevelopment, plannedFor, programs } = this.#options;
    if (isDevelopment) return undefined;
    const planned = plannedFor(compiled, caller);
    const program = planned instanceof Promise ? undefined : programs.peek(planned);
    return isOneFetch(program) ? this.#last.find(program, canonicalVariables, body) : undefined;
  }

  #answerInTime(requested: RequestedEvents, event: SubgraphEvent, caller: Subscriber): Promise<EventAnswer> {
    const { timeout } = caller;
    const late = (): Error => requestError('GATEWAY_TIMEOUT', { timeout });
    return withTimeout(timeout + patience, () => this.#answer(requested, event, caller), late);
  }

  /** The answer to one event. What its caller may see is decided anew. */
  async #answer(
    { compiled, variables, canonicalVariables }: RequestedEvents,
    event: SubgraphEvent,
    caller: Subscriber,
  ): Promise<EventAnswer> {
    const { isDevelopment, perform, plannedFor, programs, showing, tracer } = this.#options;
    const planned = await plannedFor(compiled, caller);
    const program = programs.peek(planned) ?? (await programs.get(planned, caller.sender));
    const eventCaller = new EventCaller(caller, event);
    const span = tracer?.beginCaused(caller.span, 'subscription event');
    eventCaller.span = span;
    const executing = perform(program, compiled, variables, eventCaller, { event });
    const execution = await (span === undefined
      ? executing
      : this.#traced(span, executing, compiled, eventCaller));
    const { isShareable } = eventCaller.provenance;
    const answered: OperationResult = { ...execution, release: undefined };
    if (!isDevelopment) {
      const answer = { answered, isShareable };
      if (isOneFetch(program)) this.#last.keep(program, canonicalVariables, event.body, answer);
      return answer;
    }
    const shown = {
      ...{ planned, variables, cost: compiled.cost, answered },
      request: { calls: eventCaller.calls, head: caller.head },
    };
    return { answered: { ...answered, extensions: await showExecution(showing, shown) }, isShareable };
  }

  /** Ends the trace of an event, which has one of its own: the request of a subscription may last for days. */
  async #traced(
    span: Span,
    executing: Promise<Execution>,
    compiled: CompiledOperation,
    caller: EventCaller,
  ): Promise<Execution> {
    let hasFailed = true;
    try {
      const execution = await executing;
      hasFailed = execution.errors.length > 0;
      return execution;
    } catch (error) {
      span.fail(errorTypeOf(error));
      throw error;
    } finally {
      noteEvent(span, compiled, caller);
      this.#options.tracer?.end(span, hasFailed);
    }
  }

  /** Throws where its client may not have it any more. */
  async #readmit(
    compiled: CompiledOperation,
    variables: VariableValues,
    request: Parameters<PreparedSubscription['readmit']>[0],
  ): Promise<void> {
    const { hooks, objectionTo } = this.#options;
    const refusal = objectionTo?.(request) ?? compiled.refuse(variables, request.identity);
    if (refusal !== undefined) throw refusal;
    if (hooks.onOperation === undefined) return;
    const { operation: type, name } = compiled.operation;
    const { timeout, shown } = request;
    const seen = { name: name?.value ?? null, type, variables };
    const late = (): Error => requestError('GATEWAY_TIMEOUT', { timeout });
    await withTimeout(timeout, () => hooks.onOperation?.(shown, seen), late);
  }

  /** Throws a `GraphQLError` where the client may not have any of its events. */
  #feedFor(
    compiled: CompiledOperation,
    opening: KnownOperation['opening'],
    identity: Identity,
  ): BoundFeed | undefined {
    try {
      return this.#options.feedOf(opening, identity);
    } catch (error) {
      if (!(error instanceof MissingFilterValue)) throw error;
      if (error.of === 'claim')
        throw requestError('UNAUTHORIZED_FIELD_OR_TYPE', { what: this.#rootFieldsOf(compiled) });
      throw requestError('BAD_USER_INPUT', { reason: error.message });
    }
  }

  /** As `Type.field`. */
  #rootFieldsOf({ operation }: CompiledOperation): string[] {
    const root = this.#options.schema.getRootType(operation.operation)!.name;
    return operation.selectionSet.selections.flatMap((one) =>
      one.kind === Kind.FIELD ? [`${root}.${one.name.value}`] : [],
    );
  }
}

/** A subscription whose generation is kept open. */
interface HeldSubscription {
  readonly compiled: CompiledOperation;
  readonly variables: VariableValues;
  readonly subscriber: Subscriber;
  readonly release: () => void;
}

/** What is answered for each event. */
interface RequestedEvents {
  readonly compiled: CompiledOperation;
  readonly variables: VariableValues;
  /** The same as JSON, for comparisons. */
  readonly canonicalVariables: string;
}

/** A prepared operation, and what distinguishes it. */
interface KnownOperation extends PreparedOperation, RequestedEvents {
  readonly keys: OperationKeys;
  readonly opening: Omit<SubgraphRequest, 'caller'>;
}

const isOneFetch = (program: CountedProgram | Rejection | undefined): program is CountedProgram =>
  program !== undefined && !(program instanceof Rejection) && program.dependencies.length === 1;

/** How many there were: numbers distinguish keys of one from those of another. */
let generations = 0;
/** Few operations differ, however many clients have subscribed. One that is not kept is compiled again. */
const mostMovedBytes = 16 * 1024 * 1024;
