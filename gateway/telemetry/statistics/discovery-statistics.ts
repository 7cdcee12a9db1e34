import type { Meter, Sum } from '../metrics/meter';
import type { AttributesOf } from '../metrics/metric-table';

/** A target whose endpoints are found. */
export interface ObservedTarget {
  readonly attributes: { readonly subgraph: string; readonly target: string };
  readonly instances: { readonly length: number };
  /** Seconds since the last answer. */
  readonly age: number;
}

/** What is found of the endpoints of subgraphs. */
export class DiscoveryStatistics {
  readonly changes: Sum<AttributesOf<'weir.discovery.changes'>>;
  readonly failures: Sum<AttributesOf<'weir.discovery.failures'>>;

  /** @param targets those that are watched now, each once */
  constructor(meter: Meter, targets: () => Iterable<ObservedTarget>) {
    this.changes = meter.sum('weir.discovery.changes');
    this.failures = meter.sum('weir.discovery.failures');
    meter.observe('weir.discovery.age', (observe) => {
      for (const { age, attributes } of targets()) observe(age, attributes);
    });
    meter.observe('weir.discovery.endpoints', (observe) => {
      for (const { instances, attributes } of targets()) observe(instances.length, attributes);
    });
  }
}
