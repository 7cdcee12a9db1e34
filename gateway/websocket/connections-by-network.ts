/** Open connections by the network of their clients, so that the newest of the network with the most is found at once. */
export class ConnectionsByNetwork<Item extends { readonly network: string }> {
  readonly #shares = new Map<string, NetworkShare<Item>>();
  /** The shares by their sizes; no set is empty. */
  readonly #bySize = new Map<number, Set<NetworkShare<Item>>>();
  /** The largest size. */
  #most = 0;

  /** Adds a connection that is newer than all others. */
  add(connection: Item): void {
    const { network } = connection;
    let share = this.#shares.get(network);
    if (share === undefined) this.#shares.set(network, (share = { open: new Set(), oldestFirst: [] }));
    const before = share.open.size;
    share.open.add(connection);
    share.oldestFirst.push(connection);
    this.#resize(share, before);
  }

  /** Removes a connection. Does nothing if it is not there. */
  delete(connection: Item): void {
    const share = this.#shares.get(connection.network);
    if (share?.open.delete(connection) !== true) return;
    const { size } = share.open;
    if (size === 0) this.#shares.delete(connection.network);
    // Otherwise those that are over would be kept for as long as the newest one is open.
    else if (share.oldestFirst.length > 2 * size) share.oldestFirst = [...share.open];
    this.#resize(share, size + 1);
  }

  /** The newest connection of the network with the most: of equals, that of the network of `connection`. */
  newestOfMost(connection: Item): Item | undefined {
    const [first] = this.#bySize.get(this.#most) ?? [];
    const own = this.#shares.get(connection.network);
    const share = own?.open.size === this.#most ? own : first;
    if (share === undefined) return undefined;
    const { open, oldestFirst } = share;
    while (!open.has(oldestFirst.at(-1)!)) oldestFirst.pop();
    return oldestFirst.at(-1);
  }

  /** Notes that a share has one connection more than before, or one less. */
  #resize(share: NetworkShare<Item>, before: number): void {
    const { size } = share.open;
    const equals = this.#bySize.get(before);
    equals?.delete(share);
    if (equals?.size === 0) this.#bySize.delete(before);
    if (size > 0) {
      const next = this.#bySize.get(size);
      if (next === undefined) this.#bySize.set(size, new Set([share]));
      else next.add(share);
    }
    if (size > this.#most || !this.#bySize.has(this.#most)) this.#most = size;
  }
}

/** The connections of one network. */
interface NetworkShare<Item> {
  readonly open: Set<Item>;
  /** Those that are open, and some that are not any more. */
  oldestFirst: Item[];
}
