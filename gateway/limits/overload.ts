import { getHeapStatistics } from 'node:v8';
import type { ServerResponse } from 'node:http';
import type { Meter, ObservableCounter, ObservableResult } from '@opentelemetry/api';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import { UnreadAnswers } from './unread-answers';
import { UnsentRequests, type UnsentRequestsOptions } from './unsent-requests';

export interface OverloadOptions {
  readonly options: Options['overload'];
  /** How many requests are being served. */
  readonly inFlight: () => number;
  /** Those of the requests that are being served. */
  readonly responses: () => Iterable<ServerResponse>;
  readonly giveUp: UnsentRequestsOptions['giveUp'];
  /** Bytes. */
  readonly bodyLimit: number;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/**
 * Says when a request is refused because there are too many: better a few answered in time than all too late.
 *
 * How many may be served at once follows how late the event loop is on average (additive increase, multiplicative
 * decrease, as TCP does it): a late loop is a queue that nobody sees. One pause, such as a garbage collection, is none.
 * Never fewer than `least`, which a healthy loop gets through, and none while the heap is nearly full or clients do not
 * read their answers or send the rest of their requests, however few there are.
 */
export class Overload {
  readonly #options: OverloadOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #counter: ObservableCounter;
  readonly #observe = (result: ObservableResult): void => result.observe(this.#refused);
  readonly #heapLimit = getHeapStatistics().heap_size_limit;
  readonly #unread: UnreadAnswers;
  readonly #unsent: UnsentRequests;
  #limit: number;
  #isHeapFull = false;
  #refused = 0;
  #lookedAt = performance.now();
  /** How late the loop was on average, in milliseconds; the newest look counts a tenth. */
  #late = 0;
  #decidedAt = performance.now();
  #refusedBefore = 0;
  #isRefusing = false;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#limit = options.options.requests;
    const { responses, giveUp, bodyLimit, logger } = options;
    this.#unread = new UnreadAnswers({ limit: options.options.unread, responses, logger });
    this.#unsent = new UnsentRequests({
      limit: options.options.unsent,
      responses,
      giveUp,
      bodyLimit,
      logger,
    });
    this.#counter = options.meter.createObservableCounter('weir.requests.refused', {
      description: 'Requests that were refused because there were too many.',
    });
    this.#counter.addCallback(this.#observe);
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  /** Whether the request that has just come is to be refused. Counts it if so. */
  refuses(): boolean {
    const isFull = this.#isHeapFull || this.#unread.isTooMuch || this.#unsent.isTooMuch;
    if (!isFull && this.#options.inFlight() < this.#limit) return false;
    this.#refused++;
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#counter.removeCallback(this.#observe);
  }

  #look(): void {
    const now = performance.now();
    this.#late += (now - this.#lookedAt - lookInterval - this.#late) / 10;
    this.#lookedAt = now;
    if (now - this.#decidedAt < decisionInterval) return;
    this.#decidedAt = now;
    this.#unread.look(now);
    this.#unsent.look(now, this.#options.inFlight() >= this.#limit);
    this.#decide();
  }

  #decide(): void {
    const { requests, delay } = this.#options.options;
    const inFlight = this.#options.inFlight();
    if (this.#late > delay) {
      this.#limit = Math.max(Math.min(least, requests), Math.floor(Math.min(this.#limit, inFlight) * 0.8));
    } else if (this.#limit < requests) {
      this.#limit = Math.min(requests, this.#limit + Math.max(1, this.#limit * 0.1));
    }
    this.#isHeapFull = getHeapStatistics().used_heap_size > this.#heapLimit * fullHeap;
    this.#say(inFlight);
  }

  /** One line when it begins, one when it is over. */
  #say(inFlight: number): void {
    const refuses = this.#refused > this.#refusedBefore;
    this.#refusedBefore = this.#refused;
    if (refuses === this.#isRefusing) return;
    this.#isRefusing = refuses;
    const { logger } = this.#options;
    if (refuses)
      logger.warn({ inFlight, heapIsFull: this.#isHeapFull }, 'too many requests: some are refused');
    else logger.info({ refused: this.#refused }, 'no request is refused any more');
  }
}

/** Milliseconds. */
const lookInterval = 10;
const decisionInterval = 100;
/** Requests that a gateway takes on at once however late it is. */
const least = 64;
/** The share of the heap's limit above which nothing is taken on. */
const fullHeap = 0.9;
