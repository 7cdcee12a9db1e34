/** Over 300 lines: joining, answering, moving and ending are one life, and share its state. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Identity } from '../../auth/identity';
import type { IncomingRequest } from '../../request/incoming-request';
import type { Caller, SubgraphEvent } from '../../subgraph-calls/transport';
import { cursorOf } from './cursor';
import type { Subscriber } from './event-caller';
import type { PreparedSubscription } from './prepared';
import type { Reader } from './reader';
import type { EventConsumer, Upstream } from './upstream';

/** Finds or opens the source of a subscription. */
export type OpenUpstream = (
  prepared: PreparedSubscription,
  subscriber: Subscriber,
  after: string | undefined,
) => Upstream;

export interface SharedExecutionOptions {
  readonly openUpstream: OpenUpstream;
  /** Called once, when its last reader has left, or its source has ended. */
  readonly onEnd: () => void;
  /** Called for each event that is answered. */
  readonly onExecution: () => void;
  /** Called for each answer that a reader is given. */
  readonly onDelivery: () => void;
}

/**
 * The executions of all subscriptions that have the same answers: one for each event, whose bytes all readers are given.
 * Events are answered one after the other. The fetches have the headers and the identity of the reader that began it.
 */
export class SharedExecution implements EventConsumer, Subscriber {
  readonly headers: Caller['headers'];
  readonly bySubgraph: Caller['bySubgraph'];
  readonly identity: Identity;
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly head: IncomingRequest['head'];
  readonly sender: string;
  readonly timeout: number;
  /** Whether it was begun from a position: it may be given events from before others subscribed. */
  readonly isResumed: boolean;
  /** Under which others find it; undefined for one that nobody may join. */
  joinKey: string | undefined;
  readonly readers: Set<Reader>;
  readonly #first: IncomingRequest;
  readonly #options: SharedExecutionOptions;
  #prepared: PreparedSubscription;
  #upstream: Upstream;
  /** The position of the last event that was received. */
  #position: string | undefined;
  /** What it was last told to move to. */
  #newest: PreparedSubscription | undefined;
  #moving = Promise.resolve();
  /** Events that the next source replays, if it opens; undefined while none is opened from a position. */
  #held: SubgraphEvent[] | undefined;
  #steps: Step[] = [];
  #isWorking = false;
  #onRoom: (() => void) | undefined;
  #isEnded = false;

  constructor(
    reader: Reader,
    prepared: PreparedSubscription,
    options: SharedExecutionOptions,
    after?: string,
  ) {
    const first = reader.request;
    this.readers = new Set([reader]);
    this.headers = first.headers;
    this.bySubgraph = first.bySubgraph;
    this.identity = first.identity;
    this.signedIdentity = first.signedIdentity;
    this.scope = first.scope;
    this.tracing = first.tracing;
    this.head = first.head;
    this.sender = first.sender;
    this.timeout = first.timeout;
    this.#first = first;
    this.#prepared = prepared;
    this.#options = options;
    this.isResumed = after !== undefined;
    this.#position = after;
    this.#upstream = options.openUpstream(prepared, this, after);
    this.#upstream.add(this);
  }

  /** Resolves when its source is open; rejects with a `GraphQLError`. */
  get opened(): Promise<void> {
    return this.#upstream.opened;
  }

  get prepared(): PreparedSubscription {
    return this.#prepared;
  }

  get isGone(): boolean {
    return this.readers.size === 0;
  }

  leave(reader: Reader): void {
    this.readers.delete(reader);
    if (this.readers.size === 0) this.#close();
  }

  receive(event: SubgraphEvent): Promise<void> | undefined {
    if (this.#held !== undefined) {
      this.#held.push(event);
      if (this.#held.length < mostWaiting) return undefined;
    } else {
      this.#position = event.position ?? this.#position;
      this.#add({ is: 'event', event });
      if (this.#steps.length < mostWaiting) return undefined;
    }
    return new Promise((resolve) => (this.#onRoom = resolve));
  }

  sourceEnded(error: Error | undefined): void {
    this.#add({ is: 'end', error });
  }

  /** Ends all readers, after the events that were received. */
  end(error: Error | undefined): void {
    this.#add({ is: 'end', error });
  }

  /**
   * Goes on with what was prepared for another generation. The source is kept if it is the same; otherwise the new one is
   * open before the old one is closed. From a position on nothing is lost or doubled; without one, clients are told of a gap.
   * One move follows the other: two at once would leave two sources open.
   */
  moveTo(next: PreparedSubscription): Promise<void> {
    this.#newest = next;
    return (this.#moving = this.#moving.then(() => this.#move(next)));
  }

  #isWanted(next: PreparedSubscription): boolean {
    return !this.#isEnded && this.#newest === next;
  }

  async #move(next: PreparedSubscription): Promise<void> {
    if (!this.#isWanted(next)) {
      next.release();
      return;
    }
    const old = this.#upstream;
    if (next.sourceKey === old.key && !old.isEnded) {
      this.#add({ is: 'switch', prepared: next, isGap: false });
      return;
    }
    const after = this.#position;
    for (let attempt = 0; ; attempt++) {
      if (after !== undefined) this.#held ??= [];
      const upstream = this.#options.openUpstream(next, this, after);
      try {
        await upstream.opened;
        if (this.#isEnded) {
          // Others may have waited for it, too, and consume its events by then.
          setImmediate(() => {
            upstream.add(this);
            upstream.delete(this);
          });
          next.release();
          return;
        }
        this.#held = undefined;
        upstream.add(this);
        this.#upstream = upstream;
        old.delete(this);
        this.#tellRoom();
        this.#add({ is: 'switch', prepared: next, isGap: after === undefined });
        return;
      } catch (error) {
        const isSuperseded = this.#newest !== next;
        if (attempt === mostAttempts || this.#isEnded || isSuperseded) {
          this.#letGo();
          next.release();
          if (!isSuperseded) this.end(error as Error);
          return;
        }
        await pause(firstPause * 2 ** attempt, undefined, { ref: false });
      }
    }
  }

  /** Answers what was held back for a source that did not open. */
  #letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#tellRoom();
    for (const event of held) void this.receive(event);
  }

  #add(step: Step): void {
    if (this.#isEnded) {
      if (step.is === 'switch') step.prepared.release();
      return;
    }
    this.#steps.push(step);
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      if (this.#steps.length < mostWaiting) this.#tellRoom();
      try {
        await this.#take(step);
      } catch (error) {
        this.#finish(error as Error);
      }
    }
    this.#isWorking = false;
  }

  async #take(step: Step): Promise<void> {
    if (this.#isEnded) {
      if (step.is === 'switch') step.prepared.release();
      return;
    }
    switch (step.is) {
      case 'event':
        if (step.event.isGap === true) this.#gap();
        else await this.#answer(step.event);
        return;
      case 'switch':
        this.#prepared.release();
        this.#prepared = step.prepared;
        if (step.isGap) this.#gap();
        return;
      case 'end':
        this.#finish(step.error);
        return;
      default:
        step satisfies never;
    }
  }

  async #answer(event: SubgraphEvent): Promise<void> {
    const prepared = this.#prepared;
    // Whoever comes while it is answered has subscribed after the event.
    const readers = [...this.readers];
    this.#options.onExecution();
    const { answered, isShareable } = await prepared.answer(event, this);
    const cursor = event.position === undefined ? undefined : cursorOf(event.position);
    const shared = cursor === undefined ? answered : { ...answered, cursor };
    for (const reader of readers) {
      const { request } = reader;
      let own = shared;
      try {
        if (!isShareable && request !== this.#first)
          own = { ...(await prepared.answer(event, request)).answered, cursor };
        prepared.charge(request);
      } catch (error) {
        reader.end(error as Error);
        continue;
      }
      request.errorsLeftOut += own.errorsLeftOut;
      reader.push(own);
      this.#options.onDelivery();
    }
  }

  #gap(): void {
    for (const reader of this.readers) reader.gap();
  }

  #finish(error: Error | undefined): void {
    const readers = [...this.readers];
    this.readers.clear();
    this.#close();
    for (const reader of readers) reader.end(error);
  }

  #close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#upstream.delete(this);
    this.#prepared.release();
    for (const step of this.#steps.splice(0)) if (step.is === 'switch') step.prepared.release();
    this.#tellRoom();
    this.#options.onEnd();
  }

  #tellRoom(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}

/** What it does, one after the other. */
type Step =
  | { readonly is: 'event'; readonly event: SubgraphEvent }
  | { readonly is: 'switch'; readonly prepared: PreparedSubscription; readonly isGap: boolean }
  | { readonly is: 'end'; readonly error: Error | undefined };

/** Events that wait before the source is not asked for more. */
const mostWaiting = 16;
/** To open another source, after the first: they take 15 s. */
const mostAttempts = 5;
/** Milliseconds; each pause is twice as long as the one before. */
const firstPause = 500;
