import type { Meter } from '@opentelemetry/api';
import type { AdmissionQueue } from '../../admission/admission-queue';

type Room = Pick<AdmissionQueue, 'size' | 'refused'>;

/**
 * Sums what happens in all waiting rooms of a process: after a reload of the options there are several for a while. What
 * was refused in one that is closed stays counted.
 */
export class OverloadStatistics {
  readonly #rooms = new Set<Room>();
  #refusedInClosed = 0;

  constructor(meter: Meter) {
    meter
      .createObservableCounter('weir.requests.refused', {
        description: 'Requests that were refused because there were too many.',
      })
      .addCallback((result) => result.observe(this.#sum('refused') + this.#refusedInClosed));
    meter
      .createObservableUpDownCounter('weir.requests.waiting', {
        description: 'Requests that wait for their turn because there are too many.',
      })
      .addCallback((result) => result.observe(this.#sum('size')));
  }

  add(room: Room): void {
    this.#rooms.add(room);
  }

  /** To be called when a room is closed. */
  remove(room: Room): void {
    if (this.#rooms.delete(room)) this.#refusedInClosed += room.refused;
  }

  #sum(what: keyof Room): number {
    let sum = 0;
    for (const room of this.#rooms) sum += room[what];
    return sum;
  }
}
