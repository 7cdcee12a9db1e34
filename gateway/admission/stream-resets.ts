import type { ServerHttp2Session } from 'node:http2';
import { LRUCache } from 'lru-cache';
import { http2Codes } from '../http/http2-codes';
import { Allowance, type AllowanceOptions } from '../net/allowance';
import { networkOf } from './rates/rates';

/**
 * Closes HTTP/2 connections on which too many streams are reset before their answers. Opening and resetting a stream
 * costs a client a few bytes, and a limit of concurrent streams does not stop it (CVE-2023-44487). Further data of the
 * client is ignored. All connections of an address are counted together, as a client may open one after another.
 */
export class StreamResets {
  readonly #isProxy: (address: string) => boolean;
  readonly #ofAddresses = new LRUCache<string, Allowance>({ max: 10_000 });

  /** @param isProxy whether an address is a proxy for many clients, and only its single connections are limited */
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
      // Emitted before data that arrived with the reset is handled. An answered stream emits no such event.
      stream.once('aborted', countOnce);
      stream.once('close', () => {
        if (stream.aborted || stream.rstCode !== http2Codes.noError) countOnce();
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

/** Twice as many at once as streams are allowed: a browser that leaves a page resets all its streams. */
export const ofConnection: AllowanceOptions = { atOnce: 200, inSecond: 33 };
const ofAddress: AllowanceOptions = { atOnce: 800, inSecond: 132 };
