import type { Meter } from '../meter';

/** What became of operations that clients name. Plain numbers, read when metrics are collected. */
export class PersistedOperationStatistics {
  found = 0;
  not_found = 0;
  registered = 0;
  /** Those that were sent and are in no manifest, where that matters. */
  untrusted = 0;

  constructor(meter: Meter) {
    meter.observe('weir.persisted_operations', (observe) => {
      for (const result of results) observe(this[result], { result });
    });
  }
}

const results = ['found', 'not_found', 'registered', 'untrusted'] as const;
