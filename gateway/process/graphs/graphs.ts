import type { GraphQLError } from 'graphql';
import { requestError } from '../../errors';
import { withTimeout } from '../../net/time-limit';
import type { Subscriptions } from '../../graph/subscriptions/subscriptions';
import type { Options } from '../../options';
import type { GraphSteps } from '../../request/graph-steps';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Arrival } from '../../request/pipeline';
import {
  optionsOfGraph,
  openServedGraph,
  partsOfGraph,
  type ServedGraph,
  type SharedParts,
} from '../configuration/served-graph';
import type { PreviousGraph } from '../configuration/graph';
import { type ChooseGraph, compileChooseGraph, namedGraphs } from './choose-graph';
import { ExpiredPreviews } from '../../supergraph/expired-previews';
import { GraphLookup } from '../../supergraph/graph-lookup';
import { OpenGraph, overloaded, resultOf } from './open-graph';
import { Pace } from './pace';

/**
 * The graphs of a process besides the default one. Each is opened by the first request that chooses it, and closes when it
 * was idle for a while, or when another one needs its room.
 */
export class Graphs {
  readonly #options: Options;
  readonly #shared: SharedParts;
  readonly #default: Pick<GraphSteps, 'answer'>;
  readonly #choose: ChooseGraph;
  readonly #named: ReadonlySet<string>;
  readonly #counts;
  readonly #lookup: GraphLookup;
  readonly #expired: ExpiredPreviews;
  readonly #open = new Map<string, OpenGraph>();
  readonly #timer: NodeJS.Timeout;
  readonly #pace: Pace;
  #isLooking = false;
  #isClosed = false;

  constructor(options: Options, shared: SharedParts, standard: Pick<GraphSteps, 'answer'>) {
    this.#options = options;
    this.#shared = shared;
    this.#default = standard;
    this.#pace = new Pace(options.graphs!.open);
    this.#choose = compileChooseGraph(options.graphs!);
    this.#named = namedGraphs(options.graphs!);
    const { meter } = shared.parts.telemetry.metrics;
    this.#counts = {
      openings: meter.sum('weir.graphs.openings'),
      open: meter.sum('weir.graphs.open').of({}),
    };
    this.#lookup = new GraphLookup(options.supergraph!.registry!);
    this.#expired = new ExpiredPreviews({
      graph: options.graphs!.default,
      openStore: () => this.#lookup.openStore(),
      logger: shared.parts.telemetry.logger,
    });
    this.#timer = setInterval(() => void this.#look(), lookEvery).unref();
  }

  /** Answers a request that is let in by the graph that it chooses. */
  answer(arrival: Arrival): void {
    const { request } = arrival;
    const { reply, admission } = this.#shared;
    const chosen = this.#choose(request);
    if (typeof chosen !== 'string') {
      reply.refuse(request, chosen);
      return;
    }
    request.graph = chosen;
    request.graphLabel = this.#named.has(chosen) ? chosen : 'other';
    if (chosen === this.#options.graphs!.default) this.#default.answer(arrival);
    else {
      const graph = this.#open.get(chosen) ?? this.#begin(chosen);
      if (!(graph instanceof OpenGraph)) {
        reply.refuse(request, graph);
        return;
      }
      graph.use(request);
      if (graph.served !== undefined) graph.served.steps.answer(arrival);
      else {
        // It holds no slot while it waits, as requests of other graphs would wait for it.
        admission.slots.release(request);
        graph.wait(request, (refusal) =>
          admission.slots.acquire(request, () =>
            refusal === undefined ? graph.served!.steps.answer(arrival) : reply.refuse(request, refusal),
          ),
        );
      }
    }
  }

  /** Why a client may not open a connection whose operations would choose a graph; undefined if it may. */
  refusal(request: IncomingRequest): GraphQLError | undefined {
    const chosen = this.#choose(request);
    return typeof chosen === 'string' ? undefined : chosen;
  }

  /** Undefined for one that is not open. */
  served(name: string): ServedGraph | undefined {
    return this.#open.get(name)?.served;
  }

  /** Whether a request, or a subscription, runs on one of them. */
  get isHeld(): boolean {
    return [...this.#open.values()].some(({ served }) => served?.graph.gateway.isHeld === true);
  }

  /** Opens the graphs of replaced options that have subscriptions, and moves these. */
  takeOver(previous: Graphs | undefined): void {
    for (const [name, { subscriptions, served }] of previous === undefined ? [] : previous.#open) {
      subscriptions.end((request) => this.#refusalOf(request, name));
      if (subscriptions.size === 0) continue;
      const generation = served?.graph.gateway.current;
      const options = optionsOfGraph(previous!.#options, name);
      const graph = this.#begin(name, subscriptions, { options, generation });
      if (!(graph instanceof OpenGraph)) subscriptions.end(() => graph);
    }
  }

  /** Why a request to a graph would not come to it by these options. */
  #refusalOf(request: IncomingRequest, name: string): GraphQLError | undefined {
    const chosen = this.#choose(request);
    if (typeof chosen !== 'string') return chosen;
    return chosen === name ? undefined : requestError('UNKNOWN_GRAPH', {});
  }

  /** Runs no other supergraphs: other options replace these. */
  freeze(): void {
    for (const { served } of this.#open.values()) served?.graph.gateway.freeze();
  }

  follow(): void {
    for (const { served } of this.#open.values()) served?.graph.gateway.follow();
  }

  /** Ends all subscriptions. */
  end(reason: Error): void {
    for (const { subscriptions } of this.#open.values()) subscriptions.end(() => reason);
  }

  /** Refuses all requests that wait for a graph. */
  refuseWaiting(): void {
    for (const graph of this.#open.values())
      if (graph.served === undefined) graph.settle(requestError('SHUTTING_DOWN', {}));
  }

  /** See `Subscriptions.drain`. */
  drain(grace: number): void {
    for (const { subscriptions } of this.#open.values()) subscriptions.drain(grace);
  }

  async flush(): Promise<void> {
    await Promise.all(
      Array.from(this.#open.values(), async ({ served }) => served?.parts.sources.usage?.flush()),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.all(Array.from(this.#open, ([name, graph]) => this.#close(name, graph)));
    await this.#expired.close();
    await this.#lookup.close();
  }

  /** @param previous what its running subscriptions began on, which goes on while the registry is down */
  #begin(name: string, running?: Subscriptions, previous?: PreviousGraph): OpenGraph | GraphQLError {
    if (this.#lookup.isUnknown(name)) return requestError('UNKNOWN_GRAPH', {});
    const isTooMuch = this.#lookup.isBusy || this.#pace.wait > this.#options.timeouts.request / 2;
    if (isTooMuch && running === undefined) return overloaded();
    const { clients, telemetry } = this.#shared.parts;
    const subscriptions = running ?? clients.subscriptions.ofGraph(telemetry.metrics.meter);
    const graph = new OpenGraph(subscriptions);
    this.#open.set(name, graph);
    this.#counts.open.value++;
    void this.#load(name, graph, previous);
    return graph;
  }

  async #load(name: string, graph: OpenGraph, previous: PreviousGraph | undefined): Promise<void> {
    const { logger } = this.#shared.parts.telemetry;
    let refusal: GraphQLError | undefined;
    try {
      const opened = await withTimeout(this.#options.timeouts.request, () =>
        this.#tryToOpen(name, graph, previous),
      );
      if (opened instanceof Error) refusal = opened;
      else {
        opened.graph.gateway.follow();
        graph.served = opened;
        logger.info({ graph: name }, 'a graph is open');
        if (previous !== undefined) void graph.subscriptions.moveTo(opened.graph.gateway.current!.prepare);
      }
    } catch (error) {
      logger.error({ graph: name, reason: (error as Error).message }, 'a graph cannot be opened');
      refusal = requestError('NO_SUPERGRAPH', {});
    }
    this.#counts.openings.add(1, { result: resultOf(refusal) });
    // Requests of the next seconds are refused without another try.
    graph.settle(refusal);
    if (refusal === undefined) return;
    if (graph.hasRoom) setTimeout(() => void this.#close(name, graph), retryAfter).unref();
    else void this.#close(name, graph);
  }

  async #tryToOpen(
    name: string,
    graph: OpenGraph,
    previous: PreviousGraph | undefined,
  ): Promise<ServedGraph | GraphQLError> {
    if (!(await this.#isThere(name, previous))) return requestError('UNKNOWN_GRAPH', {});
    if (previous === undefined) await this.#pace.turn();
    const hasRoom = this.#isWanted(graph) ? this.#makeRoom() : undefined;
    if (hasRoom === undefined) return overloaded();
    graph.hasRoom = true;
    await hasRoom;
    if (!this.#isWanted(graph)) return overloaded();
    const options = optionsOfGraph(this.#options, name);
    const own = partsOfGraph(this.#shared, options, graph.subscriptions);
    graph.opened = openServedGraph(options, own, { previous });
    const served = await graph.opened;
    await served.graph.start();
    return served.graph.answers ? served : requestError('NO_SUPERGRAPH', {});
  }

  /** Whether a graph is still to open. */
  #isWanted({ refusal }: OpenGraph): boolean {
    return !this.#isClosed && refusal === undefined;
  }

  async #isThere(name: string, previous: PreviousGraph | undefined): Promise<boolean> {
    const found = this.#lookup.has(name);
    return previous?.generation === undefined ? found : found.catch(() => true);
  }

  /** Closes the graph that was idle for the longest time, if there are too many. Returns undefined if all are in use. */
  #makeRoom(): Promise<void> | undefined {
    const open = [...this.#open].filter(([, { hasRoom }]) => hasRoom);
    if (open.length < this.#options.graphs!.open) return Promise.resolve();
    const idle = open.filter(([, graph]) => graph.isIdle).sort(([, a], [, b]) => a.usedAt - b.usedAt)[0];
    return idle && this.#close(...idle);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { idle } = this.#options.graphs!;
    // One after the other, as look-ups for new graphs would wait for many.
    for (const [name, graph] of [...this.#open]) {
      if (graph.isIdle && performance.now() - graph.usedAt > idle) void this.#close(name, graph);
      else if (graph.served !== undefined) await this.#closeIfGone(name, graph);
    }
    this.#isLooking = false;
  }

  /** A variant may have expired, or its contract may have ended. */
  async #closeIfGone(name: string, graph: OpenGraph): Promise<void> {
    const isThere = await this.#lookup.has(name).catch(() => true);
    if (isThere || this.#open.get(name) !== graph) return;
    graph.refuse(requestError('UNKNOWN_GRAPH', {}));
    // It writes nothing more to the registry once it is closed.
    void this.#close(name, graph).then(() => this.#expired.look());
  }

  /** Requests that run on it go on, and are answered. */
  async #close(name: string, graph: OpenGraph): Promise<void> {
    if (this.#open.get(name) !== graph) return;
    this.#open.delete(name);
    this.#counts.open.value--;
    const { logger } = this.#shared.parts.telemetry;
    try {
      const served = await graph.opened;
      while (!this.#isClosed && graph.requests > 0)
        await new Promise((resolve) => setTimeout(resolve, 50).unref());
      await served?.close();
      if (served !== undefined) logger.info({ graph: name }, 'a graph is closed');
    } catch (error) {
      logger.warn({ graph: name, reason: (error as Error).message }, 'a graph could not be closed');
    }
  }
}

/** Milliseconds from a failure until the next try. */
const retryAfter = 5000;
/** Milliseconds between two looks at graphs that are idle, or gone. */
const lookEvery = 5000;
