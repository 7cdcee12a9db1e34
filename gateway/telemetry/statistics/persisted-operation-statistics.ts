import type { Meter } from '../metrics/meter';

/** Counts persisted operations by result. Plain numbers, which are read when metrics are collected. */
export class PersistedOperationStatistics {
  found = 0;
  not_found = 0;
  registered = 0;
  /** Operations in no manifest, if manifests are checked. */
  untrusted = 0;

  constructor(meter: Meter) {
    meter.observe('weir.persisted_operations', (observe) => {
      for (const result of results) observe(this[result], { result });
    });
  }
}

const results = ['found', 'not_found', 'registered', 'untrusted'] as const;
