/** Over 300 lines: joining, catching up, reading, answering, moving and ending are one life, and share its state. */
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Identity } from '../../auth/identity';
import type { OperationResult } from '../../cache/responses/response-cache';
import type { IncomingRequest } from '../../request/incoming-request';
import type { EventQueue } from '../../subgraph-calls/subscriptions/event-queue';
import type { Caller, SubgraphEvent } from '../../subgraph-calls/contract/transport';
import type { Subscriber } from './event-caller';
import { forEach } from './for-each';
import { HandOver } from './hand-over';
import { History, type HistoryBytes } from './history';
import type { EventAnswer, PreparedSubscription } from './prepared';
import type { ReadExecution, SubscriptionReader } from './reader';
import type { Upstream } from './upstream';

/** Finds or opens the source of a subscription. */
export type OpenUpstream = (
  prepared: PreparedSubscription,
  subscriber: Subscriber,
  after: string | undefined,
) => Upstream;

export interface SharedExecutionOptions {
  readonly openUpstream: OpenUpstream;
  /** The most events that are executed at once, and the most executions of one event for single clients. */
  readonly concurrency: number;
  /** Called once, when its last reader has left, or its source has ended. */
  readonly onEnd: () => void;
  /** Called for each event that is answered. */
  readonly onExecution: () => void;
  /** Called for each answer that a reader is given. */
  readonly onDelivery: () => void;
  /** Called when it rests at a position. */
  readonly onRest: () => void;
  readonly histories: HistoryBytes;
  /** Called when it has begun an event with a position. */
  readonly onPosition: (position: string) => void;
}

/**
 * The executions of all subscriptions that have the same answers: one for each event, whose bytes all readers are given.
 * Some events are executed at once; their answers are given in the order of the events. The fetches have the headers and
 * the identity of the reader that began it.
 */
export class SharedExecution implements Subscriber, ReadExecution {
  readonly headers: Caller['headers'];
  readonly bySubgraph: Caller['bySubgraph'];
  readonly identity: Identity;
  readonly signedIdentity: string | undefined;
  readonly scope: string;
  readonly tracing: Caller['tracing'];
  readonly span: Caller['span'];
  readonly head: IncomingRequest['head'];
  readonly sender: string;
  readonly timeout: number;
  /** Whether it was begun from a position: it may be given events from before others subscribed. */
  readonly isResumed: boolean;
  /** Under which others find it; undefined for one that nobody may join. */
  joinKey: string | undefined;
  /** When it last had an answer, in milliseconds of `performance.now()`; 0 before the first one. */
  answeredAt = 0;
  /** With the number of the first event that each of them is given. */
  readonly #readers = new Map<SubscriptionReader, number>();
  readonly #first: IncomingRequest;
  readonly #options: SharedExecutionOptions;
  /** The source that is read, and those that are read after it. At least one. */
  #feeds: [EventFeed, ...EventFeed[]];
  /** The position of the last event that was begun, in the stream of the source that is read. */
  #position: string | undefined;
  /** Whether nothing without a position has come since. */
  #isAtPosition = true;
  /** How many events were begun. */
  #begun = 0;
  /** How many of them have no answer yet. */
  #running = 0;
  #onRoom: (() => void) | undefined;
  /** Settles when all that was begun is done, in its order. */
  #done = Promise.resolve();
  /** How much of that waits for what is done before. */
  #waiting = 0;
  /** What it moves to, the last one. */
  #newest: PreparedSubscription | undefined;
  #moving = Promise.resolve();
  /** While another source is opened from a position. It replays what the one before has sent meanwhile. */
  #hold: Promise<void> | undefined;
  /** What it has answered since the position that it began with; undefined without one. */
  #history: History | undefined;
  /** Readers that are given answers of the history, with the number of the next one. */
  readonly #late = new Map<SubscriptionReader, number>();
  /** How many others will give it their readers. Until then it lasts. */
  #expected = 0;
  /** Whether another one goes on from the event that it has begun last. */
  #isHandedOver = false;
  /** Set when nothing more is to be read. */
  #end: { readonly error: Error | undefined } | undefined;
  #isClosed = false;

  constructor(
    reader: SubscriptionReader,
    prepared: PreparedSubscription,
    options: SharedExecutionOptions,
    after?: string,
  ) {
    const first = reader.request;
    this.join(reader);
    this.headers = first.headers;
    this.bySubgraph = first.bySubgraph;
    this.identity = first.identity;
    this.signedIdentity = first.signedIdentity;
    this.scope = first.scope;
    this.tracing = first.tracing;
    this.span = first.span;
    this.head = first.head;
    this.sender = first.sender;
    this.timeout = first.timeout;
    this.#first = first;
    this.#options = options;
    this.isResumed = after !== undefined;
    this.#position = after;
    if (after !== undefined) this.#history = new History(after, options.histories);
    const upstream = options.openUpstream(prepared, this, after);
    this.#feeds = [{ upstream, tap: upstream.tap(), prepared, isAfterGap: false }];
    void this.#read();
  }

  /** Resolves when its source is open; rejects with a `GraphQLError`. */
  get opened(): Promise<void> {
    return this.#newestFeed.upstream.opened;
  }

  get prepared(): PreparedSubscription {
    return this.#newestFeed.prepared;
  }

  /** The source that is read last. */
  get upstream(): Upstream {
    return this.#newestFeed.upstream;
  }

  get readers(): Iterable<SubscriptionReader> {
    return this.#readers.keys();
  }

  /** Whether its source may still have events for others. */
  get isJoinable(): boolean {
    return !this.#isOver && !this.#newestFeed.upstream.isEnded;
  }

  /** Whether it has begun the same events as another one that has the same answers, and no others. */
  isAt(other: SharedExecution): boolean {
    const areSteady = [this, other].every((each) => each.isJoinable && each.#feeds.length === 1);
    const areAtPositions = [this, other].every((each) => each.#isAtPosition);
    return areSteady && areAtPositions && this.#position !== undefined && this.#position === other.#position;
  }

  /** Whether whoever has this position misses what it begins from now on, and nothing else. */
  isBehind(position: string): boolean {
    const isSteady = this.isJoinable && this.#feeds.length === 1;
    return isSteady && this.#isAtPosition && this.#position === position;
  }

  /** Whether it can give a reader all events after a position. */
  knows(position: string): boolean {
    return this.isJoinable && this.#history?.numberAfter(position) !== undefined;
  }

  /** Gives a reader all events after a position, and returns true, if it can. */
  catchUp(reader: SubscriptionReader, position: string): boolean {
    if (this.isBehind(position)) {
      this.join(reader);
      return true;
    }
    const number = this.isJoinable ? this.#history?.numberAfter(position) : undefined;
    if (number === undefined) return false;
    this.#readers.set(reader, Infinity);
    this.#late.set(reader, number);
    reader.execution = this;
    void this.#giveLate(reader);
    return true;
  }

  /** Has another one go on from the event that was begun last, with all readers, unless others will give it theirs. */
  handOverTo(other: SharedExecution, position: string): void {
    if (this.#expected > 0) return;
    this.#isHandedOver = true;
    other.#expected++;
    for (const feed of this.#feeds) leave(feed);
    this.#inOrder(async () => {
      while (this.#late.size > 0) await turn();
      for (const reader of [...this.#readers.keys()]) {
        this.#readers.delete(reader);
        if (other.catchUp(reader, position)) continue;
        reader.gap();
        if (other.isJoinable) other.join(reader);
        else reader.end();
      }
      this.#close();
      other.#expected--;
      other.#closeWhenGone();
      if (other.isResting) other.#options.onRest();
    });
  }

  /** Forgets what is too old. */
  expire(): void {
    if (this.#history?.isOver !== true || this.#late.size > 0) return;
    this.#history.clear();
    this.#history = undefined;
  }

  /** Whether it has answered all events that it has begun, the last one of which has a position. */
  get isResting(): boolean {
    const isBusy = this.#running + this.#waiting + this.#late.size + this.#expected > 0;
    return !isBusy && this.#position !== undefined && this.#isAtPosition;
  }

  get isGone(): boolean {
    return this.#readers.size === 0;
  }

  /** Gives a reader the answers to the events that have not begun yet. */
  join(reader: SubscriptionReader): void {
    this.#readers.set(reader, this.#begun);
    reader.execution = this;
  }

  /** Gives all readers to another one, which goes on from where this one rests. */
  mergeInto(other: SharedExecution): void {
    for (const reader of this.#readers.keys()) other.join(reader);
    this.#readers.clear();
    if (other.#history === undefined && this.#history !== undefined) {
      this.#history.renumber(other.#begun);
      other.#history = this.#history;
      this.#history = undefined;
    }
    this.#close();
  }

  leave(reader: SubscriptionReader): void {
    this.#late.delete(reader);
    if (this.#readers.delete(reader)) this.#closeWhenGone();
  }

  /** Ends all readers, after the events that were received. */
  end(error: Error | undefined): void {
    this.#end ??= { error };
    for (const feed of this.#feeds) leave(feed);
  }

  /**
   * Goes on with what was prepared for another generation. The source is kept if it is the same; otherwise the new one is
   * open before the old one is closed. From a position on nothing is lost or doubled; without one, or with one of another
   * stream, a gap is reported to clients. A source of another stream takes over from the old one (`HandOver`).
   * One move follows the other: two at once would leave two sources open.
   */
  moveTo(next: PreparedSubscription): Promise<void> {
    this.#newest = next;
    return (this.#moving = this.#moving.then(() => this.#move(next)));
  }

  get #newestFeed(): EventFeed {
    return this.#feeds.at(-1)!;
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#isHandedOver || this.#end !== undefined;
  }

  async #move(next: PreparedSubscription): Promise<void> {
    const feed = this.#newestFeed;
    if (this.#isOver || this.#newest !== next) {
      next.release();
      return;
    }
    if (next.sourceKey === feed.upstream.key && !feed.upstream.isEnded) {
      this.#release(feed.prepared);
      feed.prepared = next;
      return;
    }
    const isSameStream = this.#feeds.every(({ prepared }) => prepared.stream === next.stream);
    if (this.#position === undefined || !isSameStream) await this.#openNext(next, undefined);
    else {
      this.#hold = this.#openNext(next, this.#position);
      await this.#hold;
      this.#hold = undefined;
    }
  }

  async #openNext(next: PreparedSubscription, after: string | undefined): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const upstream = this.#options.openUpstream(next, this, after);
      const tap = upstream.tap();
      try {
        await upstream.opened;
        if (this.#isOver) {
          upstream.leave(tap);
          next.release();
        } else this.#goOnWith({ upstream, tap, prepared: next, isAfterGap: after === undefined });
        return;
      } catch (error) {
        const isSuperseded = this.#newest !== next;
        if (attempt === mostAttempts || this.#isOver || isSuperseded) {
          next.release();
          if (!isSuperseded) this.end(error as Error);
          return;
        }
        await pause(firstPause * 2 ** attempt, undefined, { ref: false });
      }
    }
  }

  #goOnWith(next: EventFeed): void {
    const old = this.#newestFeed;
    if (!next.isAfterGap) {
      // What waits of the old ones is replayed by a source that was opened from a position.
      for (const feed of this.#feeds) {
        leave(feed);
        this.#release(feed.prepared);
      }
      this.#feeds = [next];
      return;
    }
    this.#feeds.push(next);
    if (this.#position === undefined) {
      leave(old);
      return;
    }
    next.handOver = new HandOver();
    next.first = next.tap.next();
    void next.handOver.over(next.first).then(() => leave(old));
  }

  /** Begins the events of its sources, one source after the other. */
  async #read(): Promise<void> {
    for (;;) {
      const [feed] = this.#feeds;
      try {
        const event = await nextOf(feed);
        // No turn may pass afterwards: another source would be opened from the position before.
        while (this.#hold !== undefined) await this.#hold;
        if (this.#isClosed || this.#isHandedOver) return;
        // Another source replays the event.
        if (feed !== this.#feeds[0]) continue;
        this.#position = event?.position ?? this.#position;
        this.#isAtPosition = event?.position !== undefined;
        if (event === undefined) {
          if (!this.#readNext()) return;
          continue;
        }
        this.#feeds[1]?.handOver?.note(event);
        if (feed.handOver?.hasGiven(event) === true) continue;
        if (event.isGap === true) this.#inOrder(() => this.#gap());
        else this.#begin(event, feed.prepared);
        if (event.position !== undefined && this.#feeds.length === 1)
          this.#options.onPosition(event.position);
      } catch (error) {
        // Another source may replace it.
        await this.#moving;
        if (this.#isClosed || this.#isHandedOver) return;
        if (feed !== this.#feeds[0]) continue;
        if (this.#feeds.length === 1) {
          this.#finishWith(feed.prepared.sourceError(error));
          return;
        }
        this.#readNext();
      }
      if (this.#running >= this.#options.concurrency)
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
    }
  }

  /** Turns to the next source. Returns whether there is one. */
  #readNext(): boolean {
    const [feed, next, ...others] = this.#feeds;
    if (next === undefined) {
      this.#finishWith(this.#end?.error);
      return false;
    }
    this.#release(feed.prepared);
    this.#feeds = [next, ...others];
    if (next.prepared.stream !== feed.prepared.stream) this.#position = undefined;
    this.#inOrder(() => this.#gap());
    return true;
  }

  #begin(event: SubgraphEvent, prepared: PreparedSubscription): void {
    const number = this.#begun++;
    this.#running++;
    this.#options.onExecution();
    const answer = prepared.answer(event, this);
    const started = { event, prepared, number };
    if (!(answer instanceof Promise)) {
      // Nothing is before it, and nothing is waited for.
      if (this.#running === 1 && this.#waiting === 0 && answer.isShareable && event.position === undefined) {
        this.#running--;
        this.#giveShared(answer.answered, started);
        return;
      }
    } else {
      // It may fail before those before it are answered.
      answer.catch(() => undefined);
    }
    this.#inOrder(async () => {
      await this.#give(await answer, started);
      this.#running--;
      this.#reportRoom();
      if (this.isResting) this.#options.onRest();
    });
  }

  /** Does it when all is done that was begun before. */
  #inOrder(act: () => void | Promise<void>): void {
    this.#waiting++;
    this.#done = this.#done
      .then(() => {
        this.#waiting--;
        return act();
      })
      .catch((error: unknown) => this.#finish(error as Error));
  }

  async #give(answer: EventAnswer, started: StartedExecution): Promise<void> {
    const { event, prepared, number } = started;
    const { position } = event;
    const cursor = position === undefined ? undefined : await prepared.cursors.of(prepared.stream, position);
    const shared = cursor === undefined ? answer.answered : { ...answer.answered, cursor };
    if (answer.isShareable) {
      this.#giveShared(shared, started);
      return;
    }
    this.answeredAt = performance.now();
    this.#note(shared, number, position, false);
    const due = [...this.#readers].flatMap(([reader, from]) => (from <= number ? [reader] : []));
    await forEach(due, this.#options.concurrency, async (reader) => {
      const { request } = reader;
      if (request === this.#first) {
        this.#deliver(reader, shared, prepared);
        return;
      }
      try {
        const { answered } = await prepared.answer(event, request);
        this.#deliver(reader, { ...answered, cursor }, prepared);
      } catch (error) {
        reader.end(error as Error);
      }
    });
  }

  #giveShared(answered: OperationResult, { event, prepared, number }: StartedExecution): void {
    this.answeredAt = performance.now();
    this.#note(answered, number, event.position, true);
    for (const [reader, from] of this.#readers)
      // Whoever came later has subscribed after the event.
      if (from <= number) this.#deliver(reader, answered, prepared);
  }

  #note(answered: OperationResult, number: number, position: string | undefined, isShareable: boolean): void {
    // It has those before that were taken over.
    if (this.#history === undefined || number < this.#history.end) return;
    if (isShareable && position !== undefined) {
      this.#history.add(answered, position);
      return;
    }
    this.#dropHistory();
  }

  /** Readers that are late are given the rest first. */
  #dropHistory(): void {
    for (const reader of [...this.#late.keys()]) while (this.#late.has(reader)) this.#giveNext(reader);
    this.#history?.clear();
    this.#history = undefined;
  }

  /** One answer in a turn: others are given theirs meanwhile. */
  async #giveLate(reader: SubscriptionReader): Promise<void> {
    while (this.#late.has(reader)) {
      this.#giveNext(reader);
      await turn();
    }
    if (this.isResting) this.#options.onRest();
  }

  #giveNext(reader: SubscriptionReader): void {
    const history = this.#history!;
    const number = this.#late.get(reader)!;
    const answered = history.at(number);
    if (answered !== undefined) {
      this.#late.set(reader, number + 1);
      this.#deliver(reader, answered, this.prepared);
    } else {
      if (number < history.end) reader.gap();
      this.#late.delete(reader);
      this.#readers.set(reader, history.end);
    }
  }

  #deliver(reader: SubscriptionReader, answered: OperationResult, prepared: PreparedSubscription): void {
    const { request } = reader;
    try {
      prepared.charge(request);
    } catch (error) {
      reader.end(error as Error);
      return;
    }
    if (answered.errorsLeftOut > 0) request.errorsLeftOut += answered.errorsLeftOut;
    reader.push(answered);
    this.#options.onDelivery();
  }

  #gap(): void {
    // Whoever is given it later would not learn of the gap.
    this.#dropHistory();
    for (const reader of this.#readers.keys()) reader.gap();
  }

  #release(prepared: PreparedSubscription): void {
    this.#inOrder(() => prepared.release());
  }

  #finishWith(error: Error | undefined): void {
    this.#inOrder(() => this.#finish(error));
  }

  #finish(error: Error | undefined): void {
    this.#dropHistory();
    const readers = [...this.#readers.keys()];
    this.#readers.clear();
    this.#close();
    for (const reader of readers) reader.end(error);
  }

  #closeWhenGone(): void {
    if (this.#readers.size + this.#expected === 0) this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const feed of this.#feeds) {
      leave(feed);
      this.#release(feed.prepared);
    }
    this.#history?.clear();
    this.#history = undefined;
    this.#late.clear();
    this.#reportRoom();
    this.#options.onEnd();
  }

  #reportRoom(): void {
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}

/** A source, and what its events are answered by. */
interface EventFeed {
  readonly upstream: Upstream;
  readonly tap: EventQueue;
  prepared: PreparedSubscription;
  /** Whether events may be missing, or may come twice, before its first. */
  readonly isAfterGap: boolean;
  /** From the source before it; undefined where it does not wait for that. */
  handOver?: HandOver;
  /** Its first event, which is waited for while the source before it is read. */
  first?: ReturnType<EventQueue['next']> | undefined;
}

function nextOf(feed: EventFeed): ReturnType<EventQueue['next']> {
  const { first } = feed;
  feed.first = undefined;
  return first ?? feed.tap.next();
}

/** What waits of it is still read. */
function leave({ upstream, tap, handOver }: EventFeed): void {
  upstream.leave(tap);
  handOver?.stop();
}

interface StartedExecution {
  readonly event: SubgraphEvent;
  readonly prepared: PreparedSubscription;
  readonly number: number;
}

/** To open another source, after the first: they take 15 s. */
const mostAttempts = 5;
/** Milliseconds; each pause is twice as long as the one before. */
const firstPause = 500;
