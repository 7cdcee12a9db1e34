import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../telemetry/logger';
import type { Meter } from '../../telemetry/metrics/meter';
import { surrogateKey } from '../responses/answer-headers';

/** Makes a CDN drop its answers for some paths. Rejects with `PurgeRefused` if the CDN does not accept the paths. */
export type SendPurge = (paths: readonly string[]) => Promise<void>;

/** The CDN refuses these paths, so trying again is of no use. */
export class PurgeRefused extends Error {
  override readonly name = 'PurgeRefused';
}

/** Which paths are dropped for which tags. */
export interface PurgeRule {
  /** `product-*` stands for all tags that begin with `product-`. */
  readonly tags: readonly string[];
  /** `{tag}` stands for the tag in the form of the surrogate key. */
  readonly paths: readonly string[];
}

export interface CdnPurgesOptions {
  readonly send: SendPurge;
  readonly rules: readonly PurgeRule[];
  /** The path that drops everything. It is sent instead of too many paths, or of paths that the CDN refuses. */
  readonly everything: string;
  /** Milliseconds for which invalidations are collected before they are sent. */
  readonly delay: number;
  /** Milliseconds before a failed call is retried. The pause doubles with each further failure. @default 1,000 */
  readonly firstPause?: number;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Collects invalidations, and sends them to a CDN until it accepts them. No request waits for it. */
export class CdnPurges {
  readonly #options: CdnPurgesOptions;
  readonly #results;
  readonly #waitingPaths;
  #waiting = new Set<string>();
  /** The paths of the call in flight. */
  #onTheirWay: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #pause: number;
  #isClosed = false;
  /** Whether `close` has returned the remaining paths. From then on they are the caller's. */
  #isHandedOn = false;

  constructor(options: CdnPurgesOptions) {
    this.#options = options;
    this.#pause = options.firstPause ?? 1_000;
    this.#results = options.meter.sum('weir.cdn.purges');
    this.#waitingPaths = options.meter.sum('weir.cdn.purge.paths_waiting');
  }

  /** The paths to drop at the CDN when these tags are invalidated. */
  pathsFor(tags: readonly string[]): string[] {
    const paths = this.#options.rules.flatMap((rule) =>
      tags
        .filter((tag) => rule.tags.some((other) => overlap(tag, other)))
        .flatMap((tag) => rule.paths.map((path) => path.replaceAll('{tag}', () => surrogateKey(tag)))),
    );
    return [...new Set(paths)];
  }

  add(tags: readonly string[]): void {
    this.addPaths(this.pathsFor(tags));
  }

  addPaths(paths: readonly string[]): void {
    this.#wait(paths);
    if (this.#waiting.size > 0) this.#sendIn(this.#options.delay);
  }

  /** Sends the waiting paths once, for at most five seconds. Resolves with those that were not accepted. */
  async close(): Promise<readonly string[]> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const last = async (): Promise<void> => {
      await this.#sending;
      if (this.#waiting.size > 0) await this.#send();
    };
    await Promise.race([last(), delay(shutdownTimeout, undefined, { ref: false })]);
    const left = [...this.#onTheirWay, ...this.#waiting];
    this.#waitingPaths.add(-this.#waiting.size, {});
    this.#waiting.clear();
    this.#isHandedOn = true;
    return left;
  }

  #wait(paths: Iterable<string>): void {
    if (this.#isHandedOn) return;
    const before = this.#waiting.size;
    for (const path of paths) this.#waiting.add(path);
    if (this.#waiting.size > mostPaths) this.#waiting = new Set([this.#options.everything]);
    this.#waitingPaths.add(this.#waiting.size - before, {});
  }

  #sendIn(milliseconds: number): void {
    if (this.#timer !== undefined || this.#sending !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#send().finally(() => {
        this.#sending = undefined;
        if (this.#waiting.size > 0) this.#sendIn(Math.max(this.#pause, this.#options.delay));
      });
    }, milliseconds).unref();
  }

  async #send(): Promise<void> {
    const { send, everything, firstPause = 1_000, logger } = this.#options;
    const paths = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingPaths.add(-paths.length, {});
    this.#onTheirWay = paths;
    try {
      await send(paths);
      this.#pause = firstPause;
      this.#results.add(1, { result: 'sent' });
      logger.info({ paths: paths.length }, 'the CDN accepted an invalidation');
    } catch (error) {
      const isLost = error instanceof PurgeRefused && paths.every((path) => path === everything);
      this.#results.add(1, { result: isLost ? 'lost' : 'failed' });
      if (isLost) {
        logger.error({ err: error }, 'the CDN rejected an invalidation: it keeps its copies');
        return;
      }
      logger.warn({ err: error, retryIn: this.#pause }, 'an invalidation could not be sent to the CDN');
      this.#wait(error instanceof PurgeRefused ? [everything] : paths);
      this.#pause = Math.min(this.#pause * 2, longestPause);
    } finally {
      this.#onTheirWay = [];
    }
  }
}

/** The most paths that CloudFront accepts in one call. */
const mostPaths = 3_000;
/** The longest pause between two attempts, in milliseconds. */
const longestPause = 60_000;
const shutdownTimeout = 5_000;

/** Whether some tag matches both patterns. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one.replace(/\*$/, ''), other.replace(/\*$/, '')];
  if (a === one && b === other) return a === b;
  return (b !== other && a.startsWith(b)) || (a !== one && b.startsWith(a));
}
