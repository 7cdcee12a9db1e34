import type { Meter } from '@opentelemetry/api';

/** How queries were answered. Plain numbers; the instrument looks at them when metrics are collected. */
export class ResponseCacheStatistics {
  hit = 0;
  stale = 0;
  miss = 0;
  /** They waited for the execution of another request. */
  coalesced = 0;
  /** Their answers are not kept. */
  pass = 0;

  constructor(meter: Meter) {
    const requests = meter.createObservableCounter('weir.response_cache.requests', {
      description:
        'Queries by what the response cache did for them: `coalesced` shared the execution of a miss, `pass` has an answer that is not kept.',
    });
    requests.addCallback((observe) => {
      for (const result of results) observe.observe(this[result], { result });
    });
  }
}

const results = ['hit', 'stale', 'miss', 'coalesced', 'pass'] as const;
