/** Who waits for a place. */
export interface Guest {
  /** When it came, in milliseconds as `performance.now()` says them. */
  readonly since: number;
  /** Whether it has left: it is neither served nor refused. */
  readonly isGone: boolean;
  serve(): void;
  refuse(): void;
}

export interface WaitingRoomOptions {
  /** Milliseconds after which a guest is refused for whom there was no seat. */
  readonly patience: number;
  readonly hasPlace: () => boolean;
}

/**
 * Where requests wait for a place, first come, first served. Those with a seat wait until they are served. The others
 * wait for a seat, and are refused when they had none in time: clients that ask again as soon as they are refused do so
 * less often then, and less is spent on refusing them.
 */
export class WaitingRoom {
  /** How many may wait for longer. */
  seats = 0;
  /** How many were refused since the start. */
  refused = 0;
  readonly #options: WaitingRoomOptions;
  readonly #seated = new Queue<Guest>();
  readonly #standing = new Queue<Guest>();
  /** One for all: the first of those who stand is the first whose time is over. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#seated.size + this.#standing.size;
  }

  enter(guest: Guest): void {
    if (this.size >= most) {
      this.refuse(guest);
      return;
    }
    this.#standing.push(guest);
    this.#seat();
    if (this.#timer === undefined) this.#wake(this.#options.patience);
  }

  /** To be called when there may be a place. */
  fill(): void {
    while (this.size > 0 && this.#options.hasPlace()) {
      const guest = this.#seated.shift() ?? this.#standing.shift()!;
      if (!guest.isGone) guest.serve();
    }
    this.#seat();
  }

  refuse(guest: Guest): void {
    if (guest.isGone) return;
    this.refused++;
    guest.refuse();
  }

  /** Refuses all. */
  close(): void {
    clearTimeout(this.#timer);
    while (this.size > 0) this.refuse(this.#seated.shift() ?? this.#standing.shift()!);
  }

  #seat(): void {
    while (this.#standing.size > 0 && this.#seated.size < this.seats)
      this.#seated.push(this.#standing.shift()!);
  }

  #wake(after: number): void {
    this.#timer = setTimeout(() => this.#refuseLate(), after);
  }

  #refuseLate(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let guest; (guest = this.#standing.first) !== undefined;) {
      const left = guest.since + this.#options.patience - now;
      if (left >= 1) {
        this.#wake(left);
        return;
      }
      this.#standing.shift();
      this.refuse(guest);
    }
  }
}

/** Guests, so that what they keep is bounded. */
const most = 2048;

/**
 * First in, first out. An array takes as long to hand out its first item as it has items. Always the same one, emptied
 * as it goes: an old one that still refers to its items would have them outlive the collections of young garbage.
 */
class Queue<Item> {
  readonly #items: (Item | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  get first(): Item | undefined {
    return this.#items[this.#first];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#items[this.#first++] = undefined;
    if (this.#first === 1024 || this.#first === this.#items.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }
}
