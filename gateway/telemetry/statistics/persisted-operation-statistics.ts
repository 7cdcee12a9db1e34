import type { Meter } from '@opentelemetry/api';

/** What became of operations that clients name. Plain numbers; the instrument looks at them when metrics are collected. */
export class PersistedOperationStatistics {
  found = 0;
  not_found = 0;
  registered = 0;
  /** Those that were sent and are in no manifest, where that matters. */
  untrusted = 0;

  constructor(meter: Meter) {
    const operations = meter.createObservableCounter('weir.persisted_operations', {
      description:
        'Persisted operations that clients requested, by result; `untrusted` were sent, and are in no manifest.',
    });
    operations.addCallback((observe) => {
      for (const result of results) observe.observe(this[result], { result });
    });
  }
}

const results = ['found', 'not_found', 'registered', 'untrusted'] as const;
