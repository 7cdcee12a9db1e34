import { constants, type ServerHttp2Session } from 'node:http2';
import { LRUCache } from 'lru-cache';
import { networkOf } from './rates/rates';

/**
 * Closes connections of HTTP/2 of which too many streams end without their answers: to open and to reset one costs a
 * client a few bytes, and no bound of concurrent streams stops it (CVE-2023-44487). What the client has sent besides is
 * not looked at any more. As a client may open one connection after another, those of an address are counted together.
 */
export class StreamResets {
  readonly #isProxy: (address: string) => boolean;
  readonly #ofAddresses = new LRUCache<string, Allowance>({ max: 10_000 });

  /** @param isProxy whether an address stands for many clients: only its connections are bounded, each for itself */
  constructor(isProxy: (address: string) => boolean) {
    this.#isProxy = isProxy;
  }

  follow(session: ServerHttp2Session): void {
    const own = new Allowance(ofConnection);
    const shared = this.#sharedBy(session.socket.remoteAddress ?? '');
    const count = (): void => {
      if (session.destroyed) return;
      const now = performance.now();
      const isAllowed = own.take(now);
      if (shared?.take(now) === false || !isAllowed) session.destroy();
    };
    session.on('stream', (stream) => {
      let isCounted = false;
      const countOnce = (): void => {
        if (!isCounted) count();
        isCounted = true;
      };
      // Within the turn in which the reset was read, before what came with it. Of one that was answered there is no such event.
      stream.once('aborted', countOnce);
      stream.once('close', () => {
        if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) countOnce();
      });
    });
  }

  #sharedBy(address: string): Allowance | undefined {
    if (this.#isProxy(address)) return undefined;
    const network = networkOf(address);
    let shared = this.#ofAddresses.get(network);
    if (shared === undefined) this.#ofAddresses.set(network, (shared = new Allowance(ofAddress)));
    return shared;
  }
}

interface Allowed {
  readonly atOnce: number;
  readonly inSecond: number;
}

/** Twice as many at once as there may be: a page that is left resets all of its own. */
const ofConnection: Allowed = { atOnce: 200, inSecond: 33 };
const ofAddress: Allowed = { atOnce: 800, inSecond: 132 };

class Allowance {
  readonly #allowed: Allowed;
  #left: number;
  #countedAt = performance.now();

  constructor(allowed: Allowed) {
    this.#allowed = allowed;
    this.#left = allowed.atOnce;
  }

  /** Takes one, or says that there is none. */
  take(now: number): boolean {
    const { atOnce, inSecond } = this.#allowed;
    this.#left = Math.min(atOnce, this.#left + ((now - this.#countedAt) / 1000) * inSecond);
    this.#countedAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
