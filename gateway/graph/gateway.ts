import type {
  GatewayExecutionResult,
  GatewayExecutor,
  GatewayGraphQLRequestContext,
  GatewayInterface,
  GatewayLoadResult,
  GatewaySchemaLoadOrUpdateCallback,
  GatewayUnsubscriber,
} from '@apollo/server-gateway-interface';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { OperationContext } from './engine';
import { type Generation, supergraphId } from './generation';
import type { LastGood } from '../supergraph/last-good';
import type { Subscriptions } from './subscriptions/subscriptions';
import { SupergraphError } from './supergraph-error';
import type { SupergraphSource } from '../supergraph/source';
import type { Audit } from '../telemetry/audit/audit';
import type { LoadHistory } from '../telemetry/load-history';
import type { Logger } from '../telemetry/logger';
import type { Metrics } from '../telemetry/metrics/metrics';

export interface GatewaySettings {
  readonly source: SupergraphSource;
  /** What runs until this gateway replaces it; undefined if nothing does, as at the start of a process. */
  readonly replaces?: ReplacedSupergraph | undefined;
  /** Builds the generation that replaces `previous`. Rejects when the supergraph cannot be run. */
  readonly build: (supergraphSdl: string, previous: Generation | undefined) => Promise<Generation>;
  /** The saved supergraph, for a start without the source. */
  readonly lastGood?: LastGood | undefined;
  readonly audit?: Audit | undefined;
  readonly loads: Pick<LoadHistory, 'note'>;
  readonly runningSubscriptions: Pick<Subscriptions, 'moveTo'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ReplacedSupergraph {
  readonly supergraphSdl: string;
  /** Whether it came from the source that the gateway has. Then it runs while that source is unavailable. */
  readonly isOfSameSource: boolean;
}

/**
 * The gateway of Apollo Server: provides its schema and its executor. It runs one `Generation` at a time: a new supergraph
 * is built beside it and replaces it in one step. A supergraph that does not build changes nothing.
 */
export class Gateway implements GatewayInterface {
  readonly #settings: GatewaySettings;
  readonly #generations = new WeakMap<GraphQLSchema, Generation>();
  /** Those that are not closed. */
  readonly #open = new Set<Generation>();
  readonly #listeners = new Set<GatewaySchemaLoadOrUpdateCallback>();
  readonly #loaded: Promise<void>;
  #resolveLoaded!: () => void;
  #rejectLoaded!: (error: unknown) => void;
  #current: Generation | undefined;
  /** The newest supergraph that waits to be built. Older ones that waited are dropped. */
  #next: string | undefined;
  #isBuilding = false;
  #building: Promise<void> | undefined;
  #keeping = Promise.resolve();
  #state: 'starting' | 'following' | 'frozen' = 'starting';

  constructor(settings: GatewaySettings) {
    this.#settings = settings;
    this.#loaded = new Promise((resolve, reject) => {
      this.#resolveLoaded = resolve;
      this.#rejectLoaded = reject;
    });
    // `load` passes the rejection on. Without this line a rejection that nobody awaits would be unhandled.
    this.#loaded.catch(() => undefined);
  }

  /**
   * Starts the source. Resolves when the first supergraph runs, or when the source will deliver one later. If the first
   * one cannot be run, the last good supergraph is run. Rejects when there is no supergraph at all and trying again is
   * of no use, or another one runs meanwhile. Later supergraphs wait until `follow`.
   */
  async start(): Promise<void> {
    const { source, replaces, loads, logger, metrics } = this.#settings;
    let reason = 'there is none yet.';
    try {
      const first = source.start({
        onSupergraph: (newer) => this.#update(newer),
        onUnavailable: (error) => {
          reason = error.message;
          metrics.supergraphUpdates.add(1, { result: 'unavailable' });
          loads.note({ what: 'supergraph', result: 'unavailable', reason });
          logger.error({ reason: error.message }, 'the supergraph is unavailable');
        },
      });
      const found = await first.catch((error: unknown) => {
        throw unreadable((error as Error).message, error);
      });
      const supergraphSdl = found ?? (replaces?.isOfSameSource === true ? replaces.supergraphSdl : undefined);
      const refusal = supergraphSdl === undefined ? undefined : await this.#tryGeneration(supergraphSdl);
      // Logged only if the gateway starts in spite of it: otherwise `start` rejects with the reason, and its caller
      // reports that.
      const log = (): void => refusal && this.#logRefusal(supergraphSdl!, refusal);
      if (this.#current === undefined) await this.#runLastGood(log);
      if (refusal !== undefined && this.#current === undefined) throw refusal;
      if (this.#current === undefined && replaces !== undefined) throw unreadable(reason);
    } catch (error) {
      this.#rejectLoaded(error);
      throw error;
    }
  }

  /** @param onFound called when there is a saved supergraph, before it is built */
  async #runLastGood(onFound: () => void): Promise<void> {
    const { lastGood, logger } = this.#settings;
    try {
      const kept = await lastGood?.read();
      if (kept === undefined) return;
      onFound();
      const refusal = await this.#tryGeneration(kept.supergraphSdl);
      if (refusal !== undefined) this.#logRefusal(kept.supergraphSdl, refusal);
      else logger.warn({ file: lastGood!.file, since: kept.since }, 'the last good supergraph runs');
    } catch (error) {
      logger.warn(
        { file: lastGood!.file, reason: (error as Error).message },
        'the last good supergraph cannot be read',
      );
    }
  }

  /** Whether a request, or a subscription that has not moved yet, still runs on one of its generations. */
  get isHeld(): boolean {
    return [...this.#open].some((generation) => generation.isHeld);
  }

  get current(): Generation | undefined {
    return this.#current;
  }

  /** The generation that an operation was validated on. */
  generationOf(schema: GraphQLSchema): Generation {
    return this.#generations.get(schema)!;
  }

  /** Resolves when the first supergraph runs. */
  async load(): Promise<GatewayLoadResult> {
    await this.#loaded;
    const learn = (context: GatewayGraphQLRequestContext<OperationContext>): GatewayExecutionResult => {
      const { request, schema } = context;
      // Apollo Server calls the executor even if no operation was chosen, and answers with the errors returned here.
      if ((context.operation as unknown) === undefined)
        return { errors: [noOperation(request.operationName)] };
      const operation = this.generationOf(schema).learn(context);
      context.context.onLearned(context.context.body, { operation, variables: request.variables ?? {} });
      // Apollo Server only learns the operation. `request/run-operation.ts` runs it.
      return {};
    };
    return {
      executor: ((context) => Promise.resolve().then(() => learn(context as never))) as GatewayExecutor,
    };
  }

  onSchemaLoadOrUpdate(listener: GatewaySchemaLoadOrUpdateCallback): GatewayUnsubscriber {
    this.#listeners.add(listener);
    if (this.#current !== undefined) listener(describe(this.#current));
    return () => this.#listeners.delete(listener);
  }

  /** From now on runs each newer supergraph of its source, and moves running subscriptions to it. */
  follow(): void {
    this.#state = 'following';
    if (!this.#isBuilding) this.#building = this.#build();
  }

  /**
   * Runs no other supergraph until `follow`: while new options start, which may read an older one than would run here, and
   * once they have replaced its own. Requests that are left run on the supergraph that it has.
   */
  freeze(): void {
    this.#state = 'frozen';
  }

  async stop(): Promise<void> {
    this.freeze();
    this.#rejectLoaded(new Error('The gateway was stopped before it had a supergraph.'));
    await this.#settings.source.stop();
    await this.#building;
    await this.#keeping;
    this.#current?.retire();
  }

  #update(supergraphSdl: string): void {
    this.#next = supergraphSdl;
    if (this.#state === 'following' && !this.#isBuilding) this.#building = this.#build();
  }

  async #build(): Promise<void> {
    this.#isBuilding = true;
    while (this.#next !== undefined && this.#state === 'following') {
      const supergraphSdl = this.#next;
      this.#next = undefined;
      if (supergraphSdl === this.#current?.supergraphSdl)
        this.#settings.source.onOutcome?.({ result: 'live', supergraphSdl });
      else {
        const refusal = await this.#tryGeneration(supergraphSdl);
        if (refusal !== undefined) this.#logRefusal(supergraphSdl, refusal);
      }
    }
    this.#isBuilding = false;
  }

  #logRefusal(supergraphSdl: string, { message: reason }: Error): void {
    const supergraph = supergraphId(supergraphSdl);
    this.#settings.logger.error({ supergraph, reason }, 'a supergraph was refused');
  }

  /** Builds the generation of a supergraph and swaps it in. Resolves with the error if the supergraph cannot be run. */
  async #tryGeneration(supergraphSdl: string): Promise<Error | undefined> {
    const { source, build, audit, loads, metrics } = this.#settings;
    const to = supergraphId(supergraphSdl);
    try {
      const from = this.#runningId();
      const generation = await build(supergraphSdl, this.#current);
      if (this.#state === 'frozen') {
        generation.retire();
        this.#next ??= supergraphSdl;
        return undefined;
      }
      this.#swap(generation);
      // New options also build a generation, of the same supergraph. That is no swap of the supergraph.
      if (from === to) return undefined;
      audit?.action({ action: 'supergraph.swap', outcome: 'ok', details: { from, to } });
      loads.note({ what: 'supergraph', result: 'live', supergraph: to });
      return undefined;
    } catch (error) {
      const reason = (error as Error).message;
      metrics.supergraphUpdates.add(1, { result: 'refused' });
      source.onOutcome?.({ result: 'refused', supergraphSdl, reason });
      audit?.action({ action: 'supergraph.swap', outcome: 'failed', details: { to, reason } });
      loads.note({ what: 'supergraph', result: 'refused', supergraph: to, reason });
      return error as Error;
    }
  }

  #runningId(): string | undefined {
    const running = (this.#current ?? this.#settings.replaces)?.supergraphSdl;
    return running === undefined ? undefined : supergraphId(running);
  }

  #swap(generation: Generation): void {
    const previous = this.#current;
    this.#current = generation;
    this.#generations.set(generation.apiSchema, generation);
    this.#open.add(generation);
    for (const listener of this.#listeners) listener(describe(generation));
    if (this.#state === 'following') void this.#settings.runningSubscriptions.moveTo(generation.prepare);
    previous?.retire(() => this.#open.delete(previous));
    this.#resolveLoaded();
    this.#settings.metrics.supergraphUpdates.add(1, { result: 'swapped' });
    this.#settings.logger.info(
      { supergraph: supergraphId(generation.supergraphSdl) },
      'a supergraph is live',
    );
    for (const name of generation.unknownSubgraphs)
      this.#settings.logger.warn(
        `\`subgraphs.${name}\` has no effect: the supergraph has no subgraph of this name`,
      );
    this.#settings.source.onOutcome?.({ result: 'live', supergraphSdl: generation.supergraphSdl });
    this.#keep(generation.supergraphSdl);
  }

  #keep(supergraphSdl: string): void {
    const { lastGood, logger } = this.#settings;
    if (lastGood === undefined) return;
    this.#keeping = this.#keeping
      .then(() => lastGood.write(supergraphSdl))
      .catch((error: unknown) =>
        logger.warn(
          { file: lastGood.file, reason: (error as Error).message },
          'the last good supergraph cannot be kept: the gateway would not start while its source is down',
        ),
      );
  }
}

function unreadable(reason: string, cause?: unknown): SupergraphError {
  return new SupergraphError(`The supergraph cannot be read: ${reason}`, { cause });
}

function noOperation(name: string | undefined): GraphQLError {
  return new GraphQLError(
    name !== undefined
      ? `The document has no operation named "${name}".`
      : 'The document has several operations: name one of them.',
  );
}

const describe = ({ apiSchema, supergraphSdl: coreSupergraphSdl }: Generation) => ({
  ...{ apiSchema, coreSupergraphSdl },
});
