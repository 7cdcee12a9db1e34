import { getHeapStatistics } from 'node:v8';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import type { OverloadStatistics } from '../telemetry/statistics/overload-statistics';
import { UnreadAnswers, type UnreadAnswersOptions } from './unread-answers';
import { type SlotWaiter, AdmissionQueue } from './admission-queue';

export interface OverloadOptions {
  readonly options: Options['overload'];
  /** The admitted requests: those that are worked on hold a slot, the others have answers that wait to be read. */
  readonly inFlight: Pick<RequestsInFlight, 'size' | 'working'>;
  /** All requests in flight, for their unread answers. */
  readonly requests: UnreadAnswersOptions['inFlight'];
  readonly statistics: OverloadStatistics;
  /** Called at each decision while the heap is nearly full. @default nothing is done */
  readonly onFullHeap?: (() => void) | undefined;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/**
 * Adaptive concurrency: decides when a request is admitted, when it waits, and when it is refused because there are too
 * many. Some answers in time are better than all answers too late.
 *
 * The concurrency limit is as low as keeps the event loop busy. A running request takes a hundred times the memory of a
 * waiting one, and each collection of young garbage moves all of it: 200 at once get a third less done than 32. The limit
 * is at least `fewest` slots. It rises when requests wait while the loop has idle time, as then requests wait for something
 * else than the loop. It falls while the loop has hardly any idle time, and faster when the loop is also late on average,
 * which is a hidden queue. One pause, such as a garbage collection, makes no loop late. While the heap is nearly full,
 * there are no slots at all.
 *
 * A request without a slot waits for one in an `AdmissionQueue`.
 */
export class Overload {
  readonly #options: OverloadOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #heapLimit = getHeapStatistics().heap_size_limit;
  readonly #unread: UnreadAnswers;
  readonly #queue: AdmissionQueue;
  #limit: number;
  #filling: NodeJS.Immediate | undefined;
  #isHeapFull = false;
  /** Whether the last turn of the event loop was long. Then new requests are queued. */
  #isSlow = false;
  #lookedAt = performance.now();
  readonly #sinceLook = utilizationSince();
  readonly #sinceDecision = utilizationSince();
  /** The average delay of the loop in milliseconds; the newest sample counts a tenth. */
  #late = 0;
  #decidedAt = performance.now();
  /** Requests that have ended since `#decidedAt`. */
  #ended = 0;
  #refusedBefore = 0;
  /** Bytes of answers since the last look at the unread ones. */
  #written = 0;
  #isRefusing = false;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#limit = Math.min(fewest, options.options.requests);
    const { requests: inFlight, logger } = options;
    const { unread: limit, readRate: rate, readTime: time, requests: most } = options.options;
    // The limit is reached by half as many answers as there may be, however small they are.
    const least = Math.floor((2 * limit) / most);
    this.#unread = new UnreadAnswers({ limit, least, rate, time, inFlight, logger });
    this.#queue = new AdmissionQueue({ holdTime: options.options.wait, hasFreeSlot: () => this.#isFree });
    this.#queue.capacity = atRest(options.options.queue);
    options.statistics.add(this.#queue);
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  /** Whether a new request is admitted at once. */
  get hasFreeSlot(): boolean {
    return !this.#isSlow && this.#queue.size === 0 && this.#isFree;
  }

  /** Admits a request as soon as there is a slot, or refuses it when none came free in time. */
  enqueue(waiter: SlotWaiter): void {
    if (this.#isHeapFull) this.#queue.refuse(waiter);
    else this.#queue.add(waiter);
  }

  /** Refuses a request at once. */
  refuse(waiter: SlotWaiter): void {
    this.#queue.refuse(waiter);
  }

  /**
   * Called when a request has ended. All slots that become free in a turn of the event loop are filled together: the
   * calls of requests that begin together are sent together, which takes less time per call.
   */
  requestEnded(): void {
    this.#ended++;
    this.slotFreed();
  }

  /** Called before an answer of so many bytes is written. What waits is checked each time that many bytes have come. */
  answering(bytes: number): void {
    this.#written += bytes;
    if (this.#written > this.#options.options.unread / 8) this.#lookAtUnread(performance.now());
  }

  /** Called when a slot has become free for another reason. */
  slotFreed(): void {
    if (this.#queue.size > 0) this.#filling ??= setImmediate(() => this.#fill());
  }

  get waiting(): number {
    return this.#queue.size;
  }

  refuseWaiting(): void {
    this.#queue.empty();
  }

  /** Refuses all waiting requests. */
  close(): void {
    clearInterval(this.#timer);
    clearImmediate(this.#filling);
    this.#queue.close();
    this.#options.statistics.remove(this.#queue);
  }

  get #isFree(): boolean {
    const { inFlight, options } = this.#options;
    return !this.#isHeapFull && inFlight.working < this.#limit && inFlight.size < options.requests;
  }

  #fill(): void {
    this.#filling = undefined;
    this.#queue.fill();
  }

  #look(): void {
    const now = performance.now();
    const late = now - this.#lookedAt - lookInterval;
    this.#late += (late - this.#late) / 10;
    this.#isSlow = late > slowTurn;
    this.#lookedAt = now;
    const utilization = this.#sinceLook();
    // The more idle time, the higher the limit.
    if (this.#queue.size > 0 && utilization < busy)
      this.#allow(this.#limit * (1 + 4 * (1 - utilization) ** 2));
    this.#queue.fill();
    if (now - this.#decidedAt >= decisionInterval) this.#decide(now);
  }

  #decide(now: number): void {
    const { delay, queue } = this.#options.options;
    const { size, working } = this.#options.inFlight;
    const seconds = (now - this.#decidedAt) / 1000;
    const served = (this.#ended / seconds / 1000) * queue;
    const refused = this.#queue.refused - this.#refusedBefore;
    this.#ended = 0;
    this.#decidedAt = now;
    this.#refusedBefore = this.#queue.refused;
    if (this.#queue.size === 0) this.#queue.capacity = atRest(queue);
    else if (refused / seconds > costly)
      this.#queue.capacity = Math.min(Math.max(served, this.#queue.capacity * 1.25), atRest(queue));
    // Falls slowly: after a pause of a tenth of a second there would be none.
    else this.#queue.capacity = Math.max(served, this.#queue.capacity * 0.97);
    const isBusy = this.#sinceDecision() >= busy;
    if (isBusy && this.#late > delay)
      this.#allow(Math.min(this.#limit, working) * Math.min(0.8, Math.max(0.5, delay / this.#late)));
    else if (isBusy || working < this.#limit / 2) this.#allow(this.#limit * 0.9);
    this.#lookAtUnread(now);
    this.#isHeapFull = getHeapStatistics().used_heap_size > this.#heapLimit * fullHeap;
    if (this.#isHeapFull) this.#options.onFullHeap?.();
    this.#log(size, refused > 0);
  }

  #lookAtUnread(now: number): void {
    this.#written = 0;
    this.#unread.look(now);
  }

  #allow(limit: number): void {
    this.#limit = Math.min(Math.max(limit, fewest), this.#options.options.requests);
  }

  /** Logs when refusing begins, and when it ends. */
  #log(inFlight: number, refuses: boolean): void {
    if (refuses === this.#isRefusing) return;
    this.#isRefusing = refuses;
    const { logger } = this.#options;
    if (refuses)
      logger.warn({ inFlight, heapIsFull: this.#isHeapFull }, 'too many requests: some are refused');
    else logger.info({ refused: this.#queue.refused }, 'no request is refused any more');
  }
}

/** Milliseconds between two measurements of the event loop. */
const lookInterval = 10;
const slowTurn = 15;
const decisionInterval = 100;
/** The lowest concurrency limit. */
const fewest = 32;
/**
 * The capacity of a queue in which no request has waited lately, with `queue` in milliseconds. It is more than can be
 * served in that time, as it is not known yet how long requests of a burst take.
 */
const atRest = (queue: number): number => queue * 8;
/**
 * Refusals per second above which holding more requests takes less time than refusing them: ten refusals take as long
 * as one answer, and clients that retry at once are refused again and again.
 */
const costly = 1000;
/** The utilization from which the event loop counts as busy. */
const busy = 0.95;
/** The share of the heap limit above which nothing is admitted. */
const fullHeap = 0.9;

/** Returns a function that returns the utilization of the event loop since its last call, from 0 to 1. */
function utilizationSince(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
