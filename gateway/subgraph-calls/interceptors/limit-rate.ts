import type { Options } from '../../options';
import { type Interceptor, TransportError } from '../contract/transport';

/**
 * Sends at most `limit` calls in any time of `window`. A call beyond is sent as soon as it may be, if that is within `wait`, and
 * fails at once otherwise. Calls are sent in the order in which they came.
 */
export function limitRate({ limit, window, wait }: NonNullable<Options['calls']['rate']>): Interceptor {
  return (next) => {
    /** When the last `limit` calls were, or are to be, sent. */
    const sent: number[] = [];
    /** Of the oldest of them, once there are as many. */
    let oldest = 0;
    return (request) => {
      const now = performance.now();
      const at = sent.length < limit ? now : Math.max(now, sent[oldest]! + window);
      if (at - now > wait) {
        const rule = new Error(`The limit is ${limit} calls in ${window} ms.`);
        return Promise.reject(new TransportError(request.operation.subgraph, 'over-rate', rule));
      }
      if (sent.length < limit) sent.push(at);
      else {
        sent[oldest] = at;
        oldest = (oldest + 1) % limit;
      }
      if (at === now) return next(request);
      return new Promise((resolve) => setTimeout(() => resolve(next(request)), Math.ceil(at - now)));
    };
  };
}
