import type { IncomingRequest } from '../request/incoming-request';
import type { RequestsInFlight } from '../request/requests-in-flight';
import { outOfSet } from '../subgraph-calls/live-set';
import type { Overload } from './overload';
import type { UnsentRequests } from './unsent-requests';
import type { Waiter } from './admission-queue';

export interface SlotsOptions {
  readonly clients: Pick<RequestsInFlight, 'serve' | 'suspend' | 'dismiss'>;
  readonly overload: Pick<Overload, 'hasFreeSlot' | 'receive' | 'refuse' | 'hasOneMore'>;
  readonly unsent: Pick<UnsentRequests, 'isTooMuch'>;
  readonly refuse: (client: IncomingRequest) => void;
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
  acquire(client: IncomingRequest, serve: () => void): void {
    const { clients, overload, unsent } = this.#options;
    if (overload.hasFreeSlot) {
      clients.serve(client);
      serve();
      return;
    }
    const guest = new Waiting(client, serve, this.#options);
    if (unsent.isTooMuch && guest.size > large) overload.refuse(guest);
    else overload.receive(guest);
  }

  /** To be called when nothing can be done for a request before more of it has come: meanwhile it has no slot. */
  release(client: IncomingRequest): void {
    this.#options.clients.suspend(client);
    this.#options.overload.hasOneMore();
  }
}

/** Bytes of a body. So much of those that wait is bounded by how many may wait. */
const large = 16 * 1024;

/** A request that waits for a slot. */
class Waiting implements Waiter {
  readonly since = performance.now();
  readonly sender: string;
  readonly #client: IncomingRequest;
  readonly #serve: () => void;
  readonly #options: SlotsOptions;

  constructor(client: IncomingRequest, serve: () => void, options: SlotsOptions) {
    this.sender = client.sender;
    this.#client = client;
    this.#serve = serve;
    this.#options = options;
  }

  /** Bytes of its body that are kept, at most. */
  get size(): number {
    const { 'content-length': length, 'transfer-encoding': encoding } = this.#client.head.headers;
    return encoding === undefined ? Number(length ?? 0) : Infinity;
  }

  get isGone(): boolean {
    return this.#client.place === outOfSet;
  }

  serve(): void {
    this.#options.clients.serve(this.#client);
    this.#serve();
  }

  refuse(): void {
    this.#options.clients.dismiss(this.#client);
    this.#options.refuse(this.#client);
  }
}
