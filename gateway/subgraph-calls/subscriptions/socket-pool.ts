import { type SubgraphRequest, TransportError } from '../contract/transport';
import { MultiplexedSocket, type SocketOptions } from './multiplexed-socket';
import type { OpenEvents } from './resume';

/** Milliseconds for which subscriptions get connections of their own, after one of them sent what it must not. */
const apartFor = 60_000;

/** The WebSockets to one endpoint of a subgraph: one for all callers who may share it. */
export class SocketPool {
  readonly #options: SocketOptions;
  readonly #keyOf: (request: SubgraphRequest) => string;
  readonly #onCount: (change: 1 | -1) => void;
  readonly #groups = new Map<string, SocketGroup>();
  #isClosed = false;

  /**
   * @param keyOf equal for subscriptions that may share a connection
   * @param onCount called when a connection is begun, and when it has ended
   */
  constructor(
    options: SocketOptions,
    keyOf: (request: SubgraphRequest) => string,
    onCount: (change: 1 | -1) => void,
  ) {
    this.#options = options;
    this.#keyOf = keyOf;
    this.#onCount = onCount;
  }

  readonly open: OpenEvents = (request) => {
    if (this.#isClosed) return Promise.reject(new TransportError(this.#options.subgraph, 'closed'));
    const key = this.#keyOf(request);
    let group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, (group = { sockets: new Set(), apart: undefined }));
    const shared = group.apart === undefined ? [...group.sockets].find(({ hasRoom }) => hasRoom) : undefined;
    return (shared ?? this.#connect(key, group, request)).open(request);
  };

  close(): void {
    this.#isClosed = true;
    for (const { sockets, apart } of this.#groups.values()) {
      clearTimeout(apart);
      for (const socket of sockets) socket.end('closed');
    }
  }

  #connect(key: string, group: SocketGroup, request: SubgraphRequest): MultiplexedSocket {
    const forget = (): void => {
      if (group.sockets.size === 0 && group.apart === undefined) this.#groups.delete(key);
    };
    const socket = new MultiplexedSocket(request, this.#options, (isFault) => {
      group.sockets.delete(socket);
      this.#onCount(-1);
      if (isFault) {
        clearTimeout(group.apart);
        group.apart = setTimeout(() => {
          group.apart = undefined;
          forget();
        }, apartFor).unref();
      }
      forget();
    });
    group.sockets.add(socket);
    this.#onCount(1);
    return socket;
  }
}

interface SocketGroup {
  readonly sockets: Set<MultiplexedSocket>;
  /** While its subscriptions get connections of their own. */
  apart: NodeJS.Timeout | undefined;
}
