import type { ServerResponse } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import type { OverloadStatistics } from '../telemetry/statistics/overload-statistics';
import { UnreadAnswers } from './unread-answers';
import { type Waiter, AdmissionQueue } from './admission-queue';

export interface OverloadOptions {
  readonly options: Options['overload'];
  /** The requests that are being served: those that are worked on take a place, the others have an answer to be read. */
  readonly inFlight: Pick<RequestsInFlight, 'size' | 'working'>;
  /** Those whose answers are not sent yet. */
  readonly responses: () => Iterable<ServerResponse>;
  readonly statistics: OverloadStatistics;
  /** Called again and again while the heap is nearly full. @default nothing is done */
  readonly onFullHeap?: (() => void) | undefined;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/**
 * Says when a request is served, when it waits, and when it is refused because there are too many: better a few answered
 * in time than all too late.
 *
 * No more are served at once than keep the event loop at work: each takes a hundred times the memory of one that waits,
 * and all of it is moved in each collection of young garbage, so that 200 at once get a third less done than 32. There are
 * `least` places, and more as soon as requests wait and the loop rests, because it is not the loop that those in flight
 * wait for; fewer again while it has hardly a pause, and faster when it is also late on average: a queue that nobody
 * sees. One pause, such as a garbage collection, makes no loop late. There is no place while the heap is nearly full or
 * clients do not read their answers, however few there are.
 *
 * Who finds no place waits for one in a `AdmissionQueue`.
 */
export class Overload {
  readonly #options: OverloadOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #heapLimit = getHeapStatistics().heap_size_limit;
  readonly #unread: UnreadAnswers;
  readonly #room: AdmissionQueue;
  #limit: number;
  #filling: NodeJS.Immediate | undefined;
  #isHeapFull = false;
  /** Whether the loop has just taken long for a turn: then those who come take turns, too. */
  #isSlow = false;
  #lookedAt = performance.now();
  readonly #sinceLook = utilizationSince();
  readonly #sinceDecision = utilizationSince();
  /** How late the loop was on average, in milliseconds; the newest look counts a tenth. */
  #late = 0;
  #decidedAt = performance.now();
  /** Requests that have ended since then. */
  #ended = 0;
  #refusedBefore = 0;
  #isRefusing = false;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#limit = Math.min(least, options.options.requests);
    const { responses, logger } = options;
    const { unread: limit, readRate: rate, readTime: time } = options.options;
    this.#unread = new UnreadAnswers({ limit, rate, time, responses, logger });
    this.#room = new AdmissionQueue({ patience: options.options.wait, hasFreeSlot: () => this.#isFree });
    this.#room.seats = atRest(options.options.queue);
    options.statistics.add(this.#room);
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  /** Whether a request that has just come is served at once. */
  get hasFreeSlot(): boolean {
    return !this.#isSlow && this.#room.size === 0 && this.#isFree;
  }

  /** Serves a request as soon as there is a place for it, or refuses it when there has been none for its time. */
  receive(guest: Waiter): void {
    if (this.#isUnwell) this.#room.refuse(guest);
    else this.#room.enter(guest);
  }

  /** Refuses a request at once. */
  refuse(guest: Waiter): void {
    this.#room.refuse(guest);
  }

  /**
   * To be called when a request has ended. All places that have become free in a turn of the event loop are filled
   * together: the calls of requests that begin together are sent together, which costs each of them less.
   */
  next(): void {
    this.#ended++;
    this.hasOneMore();
  }

  /** To be called when a place has become free for another reason. */
  hasOneMore(): void {
    if (this.#room.size > 0) this.#filling ??= setImmediate(() => this.#fill());
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#room.size;
  }

  refuseWaiting(): void {
    this.#room.empty();
  }

  /** Refuses those that wait. */
  close(): void {
    clearInterval(this.#timer);
    clearImmediate(this.#filling);
    this.#room.close();
    this.#options.statistics.remove(this.#room);
  }

  /** Nothing is taken on, however little there is to do. */
  get #isUnwell(): boolean {
    return this.#isHeapFull || this.#unread.isTooMuch;
  }

  get #isFree(): boolean {
    const { inFlight, options } = this.#options;
    return !this.#isUnwell && inFlight.working < this.#limit && inFlight.size < options.requests;
  }

  #fill(): void {
    this.#filling = undefined;
    this.#room.fill();
  }

  #look(): void {
    const now = performance.now();
    const late = now - this.#lookedAt - lookInterval;
    this.#late += (late - this.#late) / 10;
    this.#isSlow = late > slowTurn;
    this.#lookedAt = now;
    const utilization = this.#sinceLook();
    // The more it rests, the more of the others may come.
    if (this.#room.size > 0 && utilization < busy)
      this.#allow(this.#limit * (1 + 4 * (1 - utilization) ** 2));
    this.#room.fill();
    if (now - this.#decidedAt >= decisionInterval) this.#decide(now);
  }

  #decide(now: number): void {
    const { delay, queue } = this.#options.options;
    const { size, working } = this.#options.inFlight;
    const seconds = (now - this.#decidedAt) / 1000;
    const served = (this.#ended / seconds / 1000) * queue;
    const refused = this.#room.refused - this.#refusedBefore;
    this.#ended = 0;
    this.#decidedAt = now;
    this.#refusedBefore = this.#room.refused;
    if (this.#room.size === 0) this.#room.seats = atRest(queue);
    else if (refused / seconds > costly)
      this.#room.seats = Math.min(Math.max(served, this.#room.seats * 1.25), atRest(queue));
    // Falls slowly: after a pause of a tenth of a second there would be none.
    else this.#room.seats = Math.max(served, this.#room.seats * 0.97);
    const isBusy = this.#sinceDecision() >= busy;
    if (isBusy && this.#late > delay)
      this.#allow(Math.min(this.#limit, working) * Math.min(0.8, Math.max(0.5, delay / this.#late)));
    else if (isBusy || working < this.#limit / 2) this.#allow(this.#limit * 0.9);
    this.#unread.look(now);
    this.#isHeapFull = getHeapStatistics().used_heap_size > this.#heapLimit * fullHeap;
    if (this.#isHeapFull) this.#options.onFullHeap?.();
    this.#say(size, refused > 0);
  }

  #allow(limit: number): void {
    this.#limit = Math.min(Math.max(limit, least), this.#options.options.requests);
  }

  /** One line when it begins, one when it is over. */
  #say(inFlight: number, refuses: boolean): void {
    if (refuses === this.#isRefusing) return;
    this.#isRefusing = refuses;
    const { logger } = this.#options;
    if (refuses)
      logger.warn({ inFlight, heapIsFull: this.#isHeapFull }, 'too many requests: some are refused');
    else logger.info({ refused: this.#room.refused }, 'no request is refused any more');
  }
}

/** Milliseconds. */
const lookInterval = 10;
const slowTurn = 15;
const decisionInterval = 100;
/** Requests that a gateway takes on at once however late it is. */
const least = 32;
/**
 * How many may wait in a gateway in which nobody has waited lately, `queue` in milliseconds: no more are ever served in that
 * time. Nobody knows yet what those are that come all at once.
 */
const atRest = (queue: number): number => queue * 8;
/**
 * Refusals in a second that cost more than to let more requests wait: clients that ask again as soon as they are refused
 * are refused without end, which takes the loop as long as the answers of a tenth as many.
 */
const costly = 1000;
/** The share of the time from which a loop has nothing but work: one that pauses now and then could do more. */
const busy = 0.95;
/** The share of the heap's limit above which nothing is taken on. */
const fullHeap = 0.9;

/** Says in which share of the time, since it was asked last, the event loop had something to do. */
function utilizationSince(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
