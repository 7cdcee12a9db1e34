import type { IncomingRequest } from '../request/incoming-request';
import type { RequestsInFlight } from '../request/requests-in-flight';
import { outOfSet } from '../subgraph-calls/live-set';
import type { Overload } from './overload';
import type { UnsentRequests } from './unsent-requests';
import type { Waiter } from './admission-queue';

export interface SlotsOptions {
  readonly inFlight: Pick<RequestsInFlight, 'serve' | 'suspend' | 'dismiss'>;
  readonly overload: Pick<Overload, 'hasFreeSlot' | 'receive' | 'refuse' | 'hasOneMore'>;
  readonly unsent: Pick<UnsentRequests, 'isTooMuch'>;
  readonly refuse: (request: IncomingRequest) => void;
}

/** Concurrency slots: a request has one while it is worked on. */
export class Slots {
  readonly #options: SlotsOptions;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Calls `serve` as soon as there is a slot for a request: at once, later, or never when it is refused or its client
   * leaves before.
   */
  acquire(request: IncomingRequest, serve: () => void): void {
    const { inFlight, overload, unsent } = this.#options;
    if (overload.hasFreeSlot) {
      inFlight.serve(request);
      serve();
      return;
    }
    const guest = new Waiting(request, serve, this.#options);
    if (unsent.isTooMuch && guest.size > large) overload.refuse(guest);
    else overload.receive(guest);
  }

  /** To be called when nothing can be done for a request before more of it has come: meanwhile it has no slot. */
  release(request: IncomingRequest): void {
    this.#options.inFlight.suspend(request);
    this.#options.overload.hasOneMore();
  }
}

/** Bytes of a body. So much of those that wait is bounded by how many may wait. */
const large = 16 * 1024;

/** A request that waits for a slot. */
class Waiting implements Waiter {
  readonly since = performance.now();
  readonly sender: string;
  readonly #request: IncomingRequest;
  readonly #serve: () => void;
  readonly #options: SlotsOptions;

  constructor(request: IncomingRequest, serve: () => void, options: SlotsOptions) {
    this.sender = request.sender;
    this.#request = request;
    this.#serve = serve;
    this.#options = options;
  }

  /** Bytes of its body that are kept, at most. */
  get size(): number {
    const { 'content-length': length, 'transfer-encoding': encoding } = this.#request.head.headers;
    return encoding === undefined ? Number(length ?? 0) : Infinity;
  }

  get isGone(): boolean {
    return this.#request.place === outOfSet;
  }

  serve(): void {
    this.#options.inFlight.serve(this.#request);
    this.#serve();
  }

  refuse(): void {
    this.#options.inFlight.dismiss(this.#request);
    this.#options.refuse(this.#request);
  }
}
