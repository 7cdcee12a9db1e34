import { heaviest } from './fair-queue';

/** Who waits for a place. */
export interface Waiter {
  /** Who sends it. */
  readonly sender: string;
  /** When it came, in milliseconds as `performance.now()` says them. */
  readonly since: number;
  /** Whether it has left: it is neither served nor refused. */
  readonly isGone: boolean;
  serve(): void;
  refuse(): void;
}

export interface AdmissionQueueOptions {
  /** Milliseconds after which a guest is refused for whom there was no seat. */
  readonly patience: number;
  readonly hasFreeSlot: () => boolean;
}

/**
 * Where requests wait for a place. Senders take turns, so that one of many requests delays another's by one of them and
 * not by all; of one sender, first come, first served. Those with a seat wait until they are served. The others wait for
 * a seat, and are refused when they had none in time: clients that ask again as soon as they are refused do so less often
 * then, and less is spent on refusing them.
 *
 * No more are served in a turn of the event loop than it has time for, so that those who come meanwhile are seen soon.
 */
export class AdmissionQueue {
  /** How many may wait for longer. */
  seats = 0;
  /** How many were refused since the start. */
  refused = 0;
  readonly #options: AdmissionQueueOptions;
  /** The one whose turn it is comes first; each has at least one guest. */
  readonly #senders = new Map<string, Sender>();
  #size = 0;
  #seated = 0;
  /** When there were several senders last, in milliseconds. */
  #sharedAt = -Infinity;
  /** One for all who stand. */
  #timer: NodeJS.Timeout | undefined;
  readonly #portions = new Portions(() => this.fill());

  constructor(options: AdmissionQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  enter(guest: Waiter): void {
    let sender = this.#senders.get(guest.sender);
    if (this.#size >= most && !this.#displace(sender?.size ?? 0)) {
      this.refuse(guest);
      return;
    }
    if (sender === undefined) this.#senders.set(guest.sender, (sender = new Sender(guest.sender)));
    sender.standing.push(guest);
    this.#size++;
    if (this.#senders.size > 1) this.#sharedAt = guest.since;
    if (this.#seated < this.seats) this.#seat(sender);
    else this.#seatInTurn(sender);
    if (this.#timer === undefined) this.#wake(this.#options.patience);
    this.fill();
  }

  /** To be called when there may be a place. */
  fill(): void {
    while (this.#size > 0 && !this.#portions.isUsed && this.#options.hasFreeSlot()) {
      const guest = this.#takeNext();
      if (guest.isGone) continue;
      this.#portions.use();
      guest.serve();
    }
    while (this.#seated < this.seats && this.#seated < this.#size) this.#seat(this.#poorest());
  }

  refuse(guest: Waiter): void {
    if (guest.isGone) return;
    this.refused++;
    guest.refuse();
  }

  /** Refuses all. */
  empty(): void {
    while (this.#size > 0) this.refuse(this.#takeNext());
  }

  /** Refuses all, for good. */
  close(): void {
    clearTimeout(this.#timer);
    this.#portions.close();
    this.empty();
  }

  #takeNext(): Waiter {
    const [sender] = this.#senders.values();
    const guest = sender!.seated.shift();
    if (guest !== undefined) this.#seated--;
    const next = guest ?? sender!.standing.shift()!;
    this.#senders.delete(sender!.name);
    this.#size--;
    if (sender!.size > 0) this.#senders.set(sender!.name, sender!);
    return next;
  }

  #seat(sender: Sender): void {
    sender.seated.push(sender.standing.shift()!);
    this.#seated++;
  }

  /** There is no seat: whoever has more of them than this sender would have gives one up. */
  #seatInTurn(sender: Sender): void {
    const { size } = sender.seated;
    const richest = this.#richest(this.#seated, size, (each) => each.seated.size);
    if (richest === undefined) return;
    richest.standing.unshift(richest.seated.pop()!);
    this.#seated--;
    this.#seat(sender);
  }

  /** There is no room: refuses the newest of who has more guests than this sender would have, if anybody has. */
  #displace(size: number): boolean {
    const richest = this.#richest(this.#size, size, (each) => each.size);
    if (richest === undefined) return false;
    let guest = richest.standing.pop();
    if (guest === undefined) {
      guest = richest.seated.pop()!;
      this.#seated--;
    }
    this.#size--;
    this.refuse(guest);
    return true;
  }

  /** Who has most of all, if that is more than one more than somebody has. */
  #richest(all: number, has: number, countOf: (sender: Sender) => number): Sender | undefined {
    // They may have more each, but not by far, and need not be looked through.
    return all <= this.#senders.size * (has + 1)
      ? undefined
      : heaviest(this.#senders.values(), countOf, has + 1);
  }

  /** Of those who stand, the one with the fewest seats. */
  #poorest(): Sender {
    let poorest: Sender | undefined;
    for (const sender of this.#senders.values()) {
      if (sender.standing.size === 0) continue;
      if (sender.seated.size === 0) return sender;
      if (poorest === undefined || sender.seated.size < poorest.seated.size) poorest = sender;
    }
    return poorest!;
  }

  /** What is spent on refusing one sender again and again is missed by the others: it is refused less often. */
  #patienceWith({ size }: Sender, now: number): number {
    const { patience } = this.#options;
    const isCrowd = size > crowd && size * 4 > this.#size * 3;
    return isCrowd && now - this.#sharedAt < 1000 ? Math.max(patience, size) : patience;
  }

  #wake(after: number): void {
    this.#timer = setTimeout(() => this.#refuseLate(), after);
  }

  #refuseLate(): void {
    this.#timer = undefined;
    const now = performance.now();
    let next = Infinity;
    for (const sender of this.#senders.values()) {
      const patience = this.#patienceWith(sender, now);
      for (let guest; (guest = sender.standing.first) !== undefined;) {
        const left = guest.since + patience - now;
        if (left >= 1) {
          next = Math.min(next, left);
          break;
        }
        sender.standing.shift();
        this.#size--;
        this.refuse(guest);
      }
      if (sender.size === 0) this.#senders.delete(sender.name);
    }
    // Those who come meanwhile may have to be refused before.
    if (next < Infinity) this.#wake(Math.min(next, this.#options.patience));
  }
}

/** Guests, so that what they keep is bounded. */
const most = 2048;
/** Guests of one sender. */
const crowd = 64;

class Sender {
  readonly seated = new Queue<Waiter>();
  readonly standing = new Queue<Waiter>();

  constructor(readonly name: string) {}

  get size(): number {
    return this.seated.size + this.standing.size;
  }
}

/** How many may be served in a turn of the event loop: as many as it takes little time for. */
class Portions {
  readonly #onNext: () => void;
  #portion = 16;
  #left = this.#portion;
  #began = 0;
  #next: NodeJS.Immediate | undefined;
  #after: NodeJS.Immediate | undefined;

  /** @param onNext called when there may be more again */
  constructor(onNext: () => void) {
    this.#onNext = onNext;
  }

  get isUsed(): boolean {
    return this.#left === 0;
  }

  use(): void {
    this.#left--;
    if (this.#next !== undefined) return;
    this.#next = setImmediate(() => {
      this.#next = undefined;
      this.#left = this.#portion;
      this.#began = performance.now();
      this.#onNext();
    });
    // Most of the work is done in the microtasks between the two.
    this.#after = setImmediate(() => this.#learn(performance.now() - this.#began));
  }

  close(): void {
    clearImmediate(this.#next);
    clearImmediate(this.#after);
  }

  #learn(took: number): void {
    if (took > longTurn) this.#portion = Math.max(1, this.#portion >> 1);
    else if (this.#left === 0) this.#portion = Math.min(largestPortion, this.#portion + 1);
  }
}

/** Milliseconds. */
const longTurn = 2;
const largestPortion = 256;

/**
 * First in, first out, but for what is given back or taken away. An array takes as long to hand out its first item as it
 * has items. Always the same one, emptied as it goes: an old one that still refers to its items would have them outlive
 * the collections of young garbage.
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

  /** Puts one before all others. */
  unshift(item: Item): void {
    if (this.#first === 0) this.#items.unshift(item);
    else this.#items[--this.#first] = item;
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

  /** Takes the last one. */
  pop(): Item | undefined {
    return this.size === 0 ? undefined : this.#items.pop();
  }
}
