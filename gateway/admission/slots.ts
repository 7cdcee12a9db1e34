import type { IncomingRequest } from '../request/incoming-request';
import type { RequestsInFlight } from '../request/requests-in-flight';
import { outOfSet } from '../subgraph-calls/sharing/live-set';
import type { Overload } from './overload';
import type { UnsentRequests } from './unsent-requests';
import type { SlotWaiter } from './admission-queue';

export interface SlotsOptions {
  readonly inFlight: Pick<RequestsInFlight, 'admit' | 'suspend' | 'dismiss'>;
  readonly overload: Pick<Overload, 'hasFreeSlot' | 'enqueue' | 'refuse' | 'slotFreed'>;
  readonly unsent: Pick<UnsentRequests, 'isTooMuch'>;
  /** The most bytes of a body. */
  readonly bodyLimit: number;
  readonly refuse: (request: IncomingRequest) => void;
}

/** Concurrency slots: a request has one while it is worked on. */
export class Slots {
  readonly #options: SlotsOptions;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Calls `onAdmitted` once the request has a slot; never if it is refused or its client leaves before. */
  acquire(request: IncomingRequest, onAdmitted: () => void): void {
    const { inFlight, overload, unsent } = this.#options;
    if (overload.hasFreeSlot) {
      inFlight.admit(request);
      onAdmitted();
      return;
    }
    const waiter = new WaitingRequest(request, onAdmitted, this.#options);
    if (unsent.isTooMuch && waiter.size > large) overload.refuse(waiter);
    else overload.enqueue(waiter);
  }

  /** Releases the slot of a request that must wait for more of its body. */
  release(request: IncomingRequest): void {
    this.#options.inFlight.suspend(request);
    this.#options.overload.slotFreed();
  }
}

/** Bytes of a body. Smaller ones are bounded by the number of requests that may wait. */
const large = 16 * 1024;

class WaitingRequest implements SlotWaiter {
  readonly since = performance.now();
  readonly sender: string;
  readonly #request: IncomingRequest;
  readonly #onAdmitted: () => void;
  readonly #options: SlotsOptions;

  constructor(request: IncomingRequest, onAdmitted: () => void, options: SlotsOptions) {
    this.sender = request.sender;
    this.#request = request;
    this.#onAdmitted = onAdmitted;
    this.#options = options;
  }

  /** The most bytes of its body that are held in memory. */
  get size(): number {
    const { sink, received } = this.#request;
    const { upload } = sink;
    return upload === undefined || upload.hasArrived ? received : upload.kept(this.#options.bodyLimit);
  }

  get isGone(): boolean {
    return this.#request.indexInSet === outOfSet;
  }

  admit(): void {
    this.#options.inFlight.admit(this.#request);
    this.#onAdmitted();
  }

  refuse(): void {
    this.#options.inFlight.dismiss(this.#request);
    this.#options.refuse(this.#request);
  }
}
