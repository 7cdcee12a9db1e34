import type { Meter } from '../metrics/meter';

/** Counts queries by result. Plain numbers, which are read when metrics are collected. */
export class ResponseCacheStatistics {
  hit = 0;
  stale = 0;
  miss = 0;
  /** Queries that shared the execution of another request. */
  coalesced = 0;
  /** Queries whose answers are not cached. */
  pass = 0;

  constructor(meter: Meter) {
    meter.observe('weir.response_cache.requests', (observe) => {
      for (const result of results) observe(this[result], { result });
    });
  }
}

const results = ['hit', 'stale', 'miss', 'coalesced', 'pass'] as const;
