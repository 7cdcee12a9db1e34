import type { Meter } from '../meter';

/** How queries were answered. Plain numbers, read when metrics are collected. */
export class ResponseCacheStatistics {
  hit = 0;
  stale = 0;
  miss = 0;
  /** They waited for the execution of another request. */
  coalesced = 0;
  /** Their answers are not kept. */
  pass = 0;

  constructor(meter: Meter) {
    meter.observe('weir.response_cache.requests', (observe) => {
      for (const result of results) observe(this[result], { result });
    });
  }
}

const results = ['hit', 'stale', 'miss', 'coalesced', 'pass'] as const;
