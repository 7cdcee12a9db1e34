import type { Meter } from '../metrics/meter';

/** Requests that wait for a slot. */
interface AdmissionFigures {
  /** How many wait now. */
  readonly size: number;
  /** How many were refused since it was opened. */
  readonly refused: number;
}

/**
 * Sums over all admission queues of a process: after a reload of options there are several for a while. Refusals of a
 * closed queue are still counted.
 */
export class OverloadStatistics {
  readonly #queues = new Set<AdmissionFigures>();
  #refusedInClosed = 0;

  constructor(meter: Meter) {
    meter.observe('weir.requests.refused', (observe) =>
      observe(this.#sum('refused') + this.#refusedInClosed, {}),
    );
    meter.observe('weir.requests.waiting', (observe) => observe(this.#sum('size'), {}));
  }

  add(queue: AdmissionFigures): void {
    this.#queues.add(queue);
  }

  /** Called when a queue is closed. */
  remove(queue: AdmissionFigures): void {
    if (this.#queues.delete(queue)) this.#refusedInClosed += queue.refused;
  }

  #sum(what: keyof AdmissionFigures): number {
    let sum = 0;
    for (const queue of this.#queues) sum += queue[what];
    return sum;
  }
}
