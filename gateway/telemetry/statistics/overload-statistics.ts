import type { Meter } from '@opentelemetry/api';
import type { AdmissionQueue } from '../../admission/admission-queue';

type Queue = Pick<AdmissionQueue, 'size' | 'refused'>;

/**
 * Sums over all admission queues of a process: after a reload of the options there are several for a while. Refusals of
 * a closed queue stay counted.
 */
export class OverloadStatistics {
  readonly #queues = new Set<Queue>();
  #refusedInClosed = 0;

  constructor(meter: Meter) {
    meter
      .createObservableCounter('weir.requests.refused', {
        description: 'Requests that were refused because of overload.',
      })
      .addCallback((result) => result.observe(this.#sum('refused') + this.#refusedInClosed));
    meter
      .createObservableUpDownCounter('weir.requests.waiting', {
        description: 'Requests that wait for a slot.',
      })
      .addCallback((result) => result.observe(this.#sum('size')));
  }

  add(queue: Queue): void {
    this.#queues.add(queue);
  }

  /** To be called when a queue is closed. */
  remove(queue: Queue): void {
    if (this.#queues.delete(queue)) this.#refusedInClosed += queue.refused;
  }

  #sum(what: keyof Queue): number {
    let sum = 0;
    for (const queue of this.#queues) sum += queue[what];
    return sum;
  }
}
