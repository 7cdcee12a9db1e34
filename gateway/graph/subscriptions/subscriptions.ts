/** Over 300 lines: opening, joining, moving and ending all share the same sets and counts. */
import { reasonOfExpiry } from '../../auth/authenticator';
import type { OperationResult } from '../../cache/responses/response-cache';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Flow } from '../../subgraph-calls/contract/source';
import type { Meter } from '../../telemetry/metrics/meter';
import { EventCaller, type Subscriber } from './event-caller';
import { forEach } from './for-each';
import type { HistoryBytes } from './history';
import type { Prepare, PreparedSubscription } from './prepared';
import { type ReaderOptions, SubscriptionReader, type UnreadBytes } from './reader';
import { Replays } from './replays';
import { SharedExecution } from './shared-execution';
import { Upstream } from './upstream';

export type SharingOptions = Options['subscriptions'] & {
  /** Bytes of answers that may wait for all clients together. */
  readonly allUnread: number;
};

/** What the subscriptions of all graphs of a process have together. */
export class SubscriptionTotals {
  readers = 0;
  upstreams = 0;
  /** The sizes of them all, and of each sender's. */
  size = 0;
  readonly bySender = new Map<string, number>();
  readonly histories: HistoryBytes = { bytes: 0 };
  readonly unread: UnreadBytes = { bytes: 0, limit: Infinity };

  constructor(meter: Meter) {
    meter.observe('weir.subscriptions.active', (observe) => observe(this.readers, {}));
    meter.observe('weir.subscriptions.upstreams', (observe) => observe(this.upstreams, {}));
  }
}

/**
 * The running subscriptions of a graph, whatever generation they began on. Those whose answers are the same share
 * executions, and those whose subgraph operation is the same share a source.
 */
export class Subscriptions {
  readonly #upstreams = new Map<string, Upstream>();
  /** Those that may be joined, by their keys. */
  readonly #joinable = new Map<string, SharedExecution>();
  /** Of those that were begun from a position, one for each key: others that come to where it is are merged into it. */
  readonly #resumed = new Map<string, SharedExecution>();
  /** Of those that are behind, by their keys. */
  readonly #replays = new Map<string, Replays>();
  readonly #executions = new Set<SharedExecution>();
  readonly #readers = new Set<OpenReader>();
  readonly #totals: SubscriptionTotals;
  readonly #counts;
  /** Prepares for the newest generation; undefined while none has replaced another. */
  #prepare: Prepare | undefined;
  #isDraining = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(meter: Meter, totals = new SubscriptionTotals(meter)) {
    this.#totals = totals;
    this.#counts = {
      events: meter.sum('weir.subscriptions.events'),
      executions: meter.sum('weir.subscriptions.executions'),
      deliveries: meter.sum('weir.subscriptions.deliveries').of({}),
      dropped: meter.sum('weir.subscriptions.dropped'),
      droppedEvents: meter.sum('weir.subgraph.events.dropped'),
      moved: meter.sum('weir.subscriptions.moved'),
    };
  }

  /** Those of another graph, which count with these. */
  ofGraph(meter: Meter): Subscriptions {
    return new Subscriptions(meter, this.#totals);
  }

  /** How many clients have one open. */
  get size(): number {
    return this.#readers.size;
  }

  /** Those that run together, for the console. */
  get executions(): Iterable<Pick<SharedExecution, 'prepared' | 'upstream' | 'readers'>> {
    return this.#executions;
  }

  /**
   * Opens one for a client. Resolves when its source is open; rejects with a `GraphQLError`.
   *
   * @param after the cursor of the last answer that the client has, if it comes back
   */
  async open(
    prepared: PreparedSubscription,
    request: IncomingRequest,
    options: SharingOptions,
    after?: string,
  ): Promise<Flow<OperationResult>> {
    const position =
      after === undefined ? undefined : await prepared.cursors.positionIn(after, prepared.stream);
    const refusal = this.#refusal(request, options);
    if (refusal !== undefined) {
      prepared.release();
      throw refusal;
    }
    const reader = this.#read(request, options);
    const opened =
      position === undefined
        ? this.#join(prepared, reader, options.concurrency)
        : this.#resume(prepared, reader, options.concurrency, position);
    request.onEnd(() => reader.close());
    if (after !== undefined && position === undefined) reader.gap();
    try {
      await opened;
    } catch (error) {
      reader.close();
      throw error;
    }
    const { execution } = reader;
    if (execution instanceof SharedExecution && !this.#isCurrent(execution.prepared))
      void this.#move(execution, this.#prepare!);
    return reader;
  }

  /** Moves all that run to another generation. Those that are not valid there end with the reason. Resolves at the end. */
  async moveTo(prepare: Prepare): Promise<void> {
    this.#prepare = prepare;
    for (const replays of this.#replays.values()) replays.flush();
    this.#replays.clear();
    for (const execution of this.#joinable.values()) execution.joinKey = undefined;
    this.#joinable.clear();
    this.#resumed.clear();
    await this.#moveAll([...this.#executions], prepare);
  }

  /** Refuses new ones, and ends those that run one after the other. @param grace milliseconds that this may take */
  drain(grace: number): void {
    this.#isDraining = true;
    const readers = [...this.#readers].sort(() => Math.random() - 0.5);
    const each = Math.min(longestStep, (grace * shareOfGrace) / Math.max(1, readers.length));
    readers.forEach((reader, i) => {
      setTimeout(() => reader.end(requestError('SHUTTING_DOWN', {})), each * i).unref();
    });
  }

  /** Ends those that may not go on. @param reasonFor undefined for a request that may */
  end(reasonFor: (request: IncomingRequest) => Error | undefined): void {
    for (const reader of [...this.#readers]) {
      const reason = reasonFor(reader.request);
      if (reason !== undefined) reader.end(reason);
    }
  }

  #refusal(request: IncomingRequest, { total, perIdentity }: SharingOptions): Error | undefined {
    if (this.#isDraining) return requestError('SHUTTING_DOWN', {});
    if (this.#totals.size >= total)
      return requestError('MAX_SUBSCRIPTIONS_LIMIT', { limit: total, of: 'process' });
    if ((this.#totals.bySender.get(request.sender) ?? 0) >= perIdentity)
      return requestError('MAX_SUBSCRIPTIONS_LIMIT', { limit: perIdentity, of: 'identity' });
    return undefined;
  }

  #read(request: IncomingRequest, options: SharingOptions): OpenReader {
    const { sender, received } = request;
    const size = Math.max(1, Math.ceil(received / large));
    const totals = this.#totals;
    const count = (added: number): void => {
      totals.size += added;
      const all = (totals.bySender.get(sender) ?? 0) + added;
      if (all === 0) totals.bySender.delete(sender);
      else totals.bySender.set(sender, all);
    };
    totals.unread.limit = options.allUnread;
    const reader = new OpenReader(request, options, {
      ...{ unread: options.unread, slow: options.slow, takesGaps: request.sink.takesGaps },
      all: totals.unread,
      onEnd: () => {
        if (this.#readers.delete(reader)) totals.readers--;
        count(-size);
        reader.execution?.leave(reader);
        if (this.#readers.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
      onDropped: (count) => this.#counts.dropped.add(count, {}),
    });
    this.#readers.add(reader);
    totals.readers++;
    count(size);
    this.#timer ??= setInterval(() => this.#look(), lookEvery).unref();
    return reader;
  }

  /** Has a reader get the events from now on. */
  #join(prepared: PreparedSubscription, reader: SubscriptionReader, concurrency: number): Promise<void> {
    const { key } = prepared;
    const known = this.#joinable.get(key);
    if (known?.isJoinable === true) {
      prepared.release();
      known.join(reader);
      return known.opened;
    }
    const begun = this.#begin(prepared, reader, { concurrency });
    if (this.#isCurrent(prepared)) this.#letJoin(begun, key);
    return begun.opened;
  }

  /** Has a reader get the events after a position. */
  #resume(
    prepared: PreparedSubscription,
    reader: SubscriptionReader,
    concurrency: number,
    after: string,
  ): Promise<void> {
    const { key } = prepared;
    for (const known of [this.#joinable.get(key), this.#resumed.get(key)])
      if (known?.catchUp(reader, after) === true) {
        prepared.release();
        return known.opened;
      }
    let replays = this.#replays.get(key);
    if (replays === undefined) {
      const own: Replays = new Replays(
        (next, [first, ...others], from) => {
          const begun = this.#begin(next, first, { concurrency, after: from, replays: own });
          for (const other of others) begun.join(other);
          return begun;
        },
        () => {
          if (this.#replays.get(key) === own) this.#replays.delete(key);
        },
      );
      this.#replays.set(key, (replays = own));
    }
    return replays.read(prepared, reader, after);
  }

  #begin(
    prepared: PreparedSubscription,
    reader: SubscriptionReader,
    { concurrency, after, replays }: Begin,
  ): SharedExecution {
    const begun: SharedExecution = new SharedExecution(
      reader,
      prepared,
      {
        openUpstream: (next, subscriber, from) => this.#upstream(next, subscriber, from),
        concurrency,
        onEnd: () => {
          this.#executions.delete(begun);
          const { joinKey } = begun;
          if (joinKey !== undefined && this.#joinable.get(joinKey) === begun) this.#joinable.delete(joinKey);
          const { key: last } = begun.prepared;
          if (this.#resumed.get(last) === begun) this.#resumed.delete(last);
          replays?.ended(begun);
        },
        histories: this.#totals.histories,
        onRest: () => this.#merge(begun),
        onPosition: (position) => replays?.at(begun, position),
        onExecution: () => this.#counts.executions.add(1, {}),
        onDelivery: () => this.#counts.deliveries.value++,
      },
      after,
    );
    this.#executions.add(begun);
    return begun;
  }

  /** Otherwise its generation was replaced while it was prepared, or opened. */
  #isCurrent({ prepare }: PreparedSubscription): boolean {
    return this.#prepare === undefined || prepare === this.#prepare;
  }

  #letJoin(execution: SharedExecution, key: string): void {
    execution.joinKey = key;
    this.#joinable.set(key, execution);
  }

  /** Merges those with the same answers once they are at the same event: clients come back with own cursors. */
  #merge(resting: SharedExecution): void {
    const { key } = resting.prepared;
    // The newest generation has not decided yet whether its clients may go on.
    if (!this.#isCurrent(resting.prepared)) return;
    const live = this.#joinable.get(key);
    const resumed = this.#resumed.get(key);
    if (live !== undefined && live !== resting) {
      if (resting.isAt(live)) resting.mergeInto(live);
    } else if (resumed === undefined) {
      if (resting !== live && resting.isResumed) this.#resumed.set(key, resting);
    } else if (resumed !== resting && resting.isAt(resumed)) {
      if (live === undefined) resting.mergeInto(resumed);
      else if (resumed.isResting) resumed.mergeInto(live);
    }
  }

  #upstream(prepared: PreparedSubscription, subscriber: Subscriber, after: string | undefined): Upstream {
    const { sourceKey, subgraph, bounds } = prepared;
    // Whoever wants to have the same events replayed shares it, until they come; nobody else does.
    const key = after === undefined ? sourceKey : `${sourceKey}\n${after}`;
    const known = this.#upstreams.get(key);
    if (known !== undefined && !known.isEnded) return known;
    const forget = (): void => {
      if (this.#upstreams.get(key) === upstream) this.#upstreams.delete(key);
    };
    this.#totals.upstreams++;
    const upstream: Upstream = new Upstream(
      sourceKey,
      // Others may want it when the one who has begun it does not any more.
      (isUnwanted) => prepared.openSource(new EventCaller(subscriber, undefined, isUnwanted), after),
      {
        onEnd: () => {
          this.#totals.upstreams--;
          forget();
        },
        onEvent: () => this.#counts.events.add(1, {}),
        ...{ subgraph, bounds },
        onDropped: (count) => this.#counts.droppedEvents.add(count, { subgraph }),
      },
    );
    this.#upstreams.set(key, upstream);
    if (after !== undefined) void upstream.opened.then(forget, forget);
    return upstream;
  }

  async #moveAll(executions: readonly SharedExecution[], prepare: Prepare): Promise<void> {
    await forEach(executions, mostMovesAtOnce, async (execution) => {
      // Otherwise a newer generation moves it.
      if (this.#prepare === prepare) await this.#move(execution, prepare);
    });
  }

  async #move(execution: SharedExecution, prepare: Prepare): Promise<void> {
    if (!this.#executions.has(execution)) return;
    try {
      const next = await prepare(execution.prepared.text, execution);
      await forEach(execution.readers, mostReadmittedAtOnce, (reader) =>
        next.readmit(reader.request).catch((error: unknown) => reader.end(error as Error)),
      );
      // It may have ended meanwhile, or a newer generation moves it.
      if (!this.#executions.has(execution) || this.#prepare !== prepare) {
        next.release();
        return;
      }
      if (!execution.isResumed && !this.#joinable.has(next.key)) this.#letJoin(execution, next.key);
      this.#counts.moved.add(1, { result: 'moved' });
      await execution.moveTo(next);
    } catch (error) {
      // A newer generation moves it, or ends it.
      if (this.#prepare !== prepare) return;
      this.#counts.moved.add(1, { result: 'ended' });
      execution.end(error as Error);
    }
  }

  /** Ends those whose time is over, and counts each of the others as used once an hour. */
  #look(): void {
    const now = performance.now();
    for (const execution of this.#executions) execution.expire();
    for (const reader of this.#readers) {
      const error = reader.whyOver(now);
      if (error !== undefined) reader.end(error);
      else if (now - reader.counted >= countEvery) {
        reader.counted += countEvery;
        reader.execution?.prepared.count(reader.request);
      }
    }
  }
}

interface Begin {
  readonly concurrency: number;
  /** @default from now on */
  readonly after?: string;
  /** Those with the same answers. */
  readonly replays?: Replays;
}

/** A reader with the times that it may take. */
class OpenReader extends SubscriptionReader {
  readonly #since = performance.now();
  /** When it was last counted as used, as at its begin; in milliseconds of `performance.now()`. */
  counted = this.#since;
  readonly #options: SharingOptions;

  constructor(request: IncomingRequest, options: SharingOptions, own: ReaderOptions) {
    super(request, own);
    this.#options = options;
  }

  whyOver(now: number): Error | undefined {
    const { lifetime, idle, expired } = this.#options;
    if (now - this.#since > lifetime) return requestError('SUBSCRIPTION_ENDED', { option: 'lifetime' });
    if (now - Math.max(this.#since, this.execution?.answeredAt ?? 0) > idle)
      return requestError('SUBSCRIPTION_ENDED', { option: 'idle' });
    const { identity, proof } = this.request;
    if (expired === 'keep' || proof?.expires === undefined || proof.expires > Date.now()) return undefined;
    return requestError('UNAUTHENTICATED', { reason: reasonOfExpiry(identity.mode) });
  }
}

/** Bytes of a request that count as one subscription: documents and variables are kept. */
const large = 4096;
/** Milliseconds between two looks at what is over. */
const lookEvery = 1000;
const countEvery = 3_600_000;
/** Validation and planning of different operations go on at the same time. */
const mostMovesAtOnce = 8;
/** Hooks may call other services for each client. */
const mostReadmittedAtOnce = 32;
/** Of the grace: the rest is for the last ones to get their message. */
const shareOfGrace = 0.8;
/** Milliseconds between two that are ended: few are ended at once. */
const longestStep = 5;
