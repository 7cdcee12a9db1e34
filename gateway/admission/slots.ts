import type { ClientRequest } from '../request/incoming-request';
import type { ClientRequests } from '../request/requests-in-flight';
import { outOfSet } from '../subgraph-calls/live-set';
import type { Overload } from './overload';
import type { UnsentRequests } from './unsent-requests';
import type { Guest } from './admission-queue';

export interface PlacesOptions {
  readonly clients: Pick<ClientRequests, 'serve' | 'suspend' | 'dismiss'>;
  readonly overload: Pick<Overload, 'hasPlace' | 'receive' | 'refuse' | 'hasOneMore'>;
  readonly unsent: Pick<UnsentRequests, 'isTooMuch'>;
  readonly refuse: (client: ClientRequest) => void;
}

/** The places of the requests that are served, and the way to them. */
export class Places {
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /**
   * Calls `serve` as soon as there is a place for a request: at once, later, or never when it is refused or its client
   * leaves before.
   */
  take(client: ClientRequest, serve: () => void): void {
    const { clients, overload, unsent } = this.#options;
    if (overload.hasPlace) {
      clients.serve(client);
      serve();
      return;
    }
    const guest = new Waiting(client, serve, this.#options);
    if (unsent.isTooMuch && guest.size > large) overload.refuse(guest);
    else overload.receive(guest);
  }

  /** To be called when nothing can be done for a request before more of it has come: meanwhile it has no place. */
  giveBack(client: ClientRequest): void {
    this.#options.clients.suspend(client);
    this.#options.overload.hasOneMore();
  }
}

/** Bytes of a body. So much of those that wait is bounded by how many may wait. */
const large = 16 * 1024;

/** A request that waits for a place. */
class Waiting implements Guest {
  readonly since = performance.now();
  readonly sender: string;
  readonly #client: ClientRequest;
  readonly #serve: () => void;
  readonly #options: PlacesOptions;

  constructor(client: ClientRequest, serve: () => void, options: PlacesOptions) {
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
