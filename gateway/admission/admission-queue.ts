/** Over 300 lines: the queue, and the deque and the portions that only the queue uses. */
import { heaviest } from '../net/fair-queue';

/** A request that waits for a concurrency slot. */
export interface SlotWaiter {
  /** The sender: an IP address. */
  readonly sender: string;
  /** When it arrived, in milliseconds of `performance.now()`. */
  readonly since: number;
  /** Whether its client has left. Then it is neither admitted nor refused. */
  readonly isGone: boolean;
  admit(): void;
  refuse(): void;
}

export interface AdmissionQueueOptions {
  /** Milliseconds that a waiter beyond the capacity is held before it is refused. */
  readonly holdTime: number;
  readonly hasFreeSlot: () => boolean;
}

/**
 * Requests that wait for a slot. Senders take turns: many requests of one sender delay a request of another sender by
 * one request and not by all. Requests of one sender are first in, first out. Up to `capacity` waiters are queued: they
 * wait until they are admitted. The others are held for a moment and refused if no room comes free in time. Holding
 * them slows clients that retry as soon as they are refused, and so saves the time to refuse them again.
 *
 * A turn of the event loop admits no more than it has time for, so that new requests are seen soon.
 */
export class AdmissionQueue {
  /** The most waiters that may be queued. */
  capacity = 0;
  /** Refused waiters since the start. */
  refused = 0;
  readonly #options: AdmissionQueueOptions;
  /** Senders in the order of their turns. Each has at least one waiter. */
  readonly #senders = new Map<string, Sender>();
  #size = 0;
  #queued = 0;
  /** The last time when several senders had waiters, in milliseconds. */
  #sharedAt = -Infinity;
  /** The timer for all held waiters. */
  #timer: NodeJS.Timeout | undefined;
  readonly #portions = new Portions(() => this.fill());

  constructor(options: AdmissionQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  add(waiter: SlotWaiter): void {
    let sender = this.#senders.get(waiter.sender);
    if (this.#size >= most && !this.#displace(sender?.size ?? 0)) {
      this.refuse(waiter);
      return;
    }
    if (sender === undefined) this.#senders.set(waiter.sender, (sender = new Sender(waiter.sender)));
    sender.held.push(waiter);
    this.#size++;
    if (this.#senders.size > 1) this.#sharedAt = waiter.since;
    if (this.#queued < this.capacity) this.#giveRoom(sender);
    else this.#giveRoomInTurn(sender);
    if (this.#timer === undefined) this.#wake(this.#options.holdTime);
    this.fill();
  }

  /** Called when a slot may be free. */
  fill(): void {
    while (this.#size > 0 && !this.#portions.isUsed && this.#options.hasFreeSlot()) {
      const waiter = this.#takeNext();
      if (waiter.isGone) continue;
      this.#portions.use();
      waiter.admit();
    }
    while (this.#queued < this.capacity && this.#queued < this.#size) this.#giveRoom(this.#lightest());
  }

  refuse(waiter: SlotWaiter): void {
    if (waiter.isGone) return;
    this.refused++;
    waiter.refuse();
  }

  empty(): void {
    while (this.#size > 0) this.refuse(this.#takeNext());
  }

  /** Refuses all waiters, for good. */
  close(): void {
    clearTimeout(this.#timer);
    this.#portions.close();
    this.empty();
  }

  #takeNext(): SlotWaiter {
    const [sender] = this.#senders.values();
    const waiter = sender!.queued.shift();
    if (waiter !== undefined) this.#queued--;
    const next = waiter ?? sender!.held.shift()!;
    this.#senders.delete(sender!.name);
    this.#size--;
    if (sender!.size > 0) this.#senders.set(sender!.name, sender!);
    return next;
  }

  #giveRoom(sender: Sender): void {
    sender.queued.push(sender.held.shift()!);
    this.#queued++;
  }

  /** The queue is full: moves a waiter of the sender with the most queued out of it, if that has more. */
  #giveRoomInTurn(sender: Sender): void {
    const { size } = sender.queued;
    const largest = this.#heaviest(this.#queued, size, (each) => each.queued.size);
    if (largest === undefined) return;
    largest.held.unshift(largest.queued.pop()!);
    this.#queued--;
    this.#giveRoom(sender);
  }

  /** At the bound of waiters, refuses the newest of the sender with the most, if it has more than this one. */
  #displace(size: number): boolean {
    const largest = this.#heaviest(this.#size, size, (each) => each.size);
    if (largest === undefined) return false;
    let waiter = largest.held.pop();
    if (waiter === undefined) {
      waiter = largest.queued.pop()!;
      this.#queued--;
    }
    this.#size--;
    this.refuse(waiter);
    return true;
  }

  /** The sender with the most waiters, if it has at least `has` + 2. */
  #heaviest(all: number, has: number, countOf: (sender: Sender) => number): Sender | undefined {
    // If the average is no higher, a search is not worth its time.
    return all <= this.#senders.size * (has + 1)
      ? undefined
      : heaviest(this.#senders.values(), countOf, has + 1);
  }

  /** Of the senders with held waiters, the one with the fewest queued. */
  #lightest(): Sender {
    let lightest: Sender | undefined;
    for (const sender of this.#senders.values()) {
      if (sender.held.size === 0) continue;
      if (sender.queued.size === 0) return sender;
      if (lightest === undefined || sender.queued.size < lightest.queued.size) lightest = sender;
    }
    return lightest!;
  }

  /** Milliseconds that a waiter is held; longer for a sender with very many, as refusals take time. */
  #holdTimeOf({ size }: Sender, now: number): number {
    const { holdTime } = this.#options;
    const isCrowd = size > crowdSize && size * 4 > this.#size * 3;
    return isCrowd && now - this.#sharedAt < 1000 ? Math.max(holdTime, size) : holdTime;
  }

  #wake(after: number): void {
    this.#timer = setTimeout(() => this.#refuseLate(), after);
  }

  #refuseLate(): void {
    this.#timer = undefined;
    const now = performance.now();
    let next = Infinity;
    for (const sender of this.#senders.values()) {
      const holdTime = this.#holdTimeOf(sender, now);
      for (let waiter; (waiter = sender.held.first) !== undefined;) {
        const left = waiter.since + holdTime - now;
        if (left >= 1) {
          next = Math.min(next, left);
          break;
        }
        sender.held.shift();
        this.#size--;
        this.refuse(waiter);
      }
      if (sender.size === 0) this.#senders.delete(sender.name);
    }
    // Newer waiters may have to be refused earlier.
    if (next < Infinity) this.#wake(Math.min(next, this.#options.holdTime));
  }
}

/** Most waiters, so that their memory is bounded. */
const most = 2048;
/** The number of waiters from which a sender may be held longer. */
const crowdSize = 64;

class Sender {
  readonly queued = new FifoQueue<SlotWaiter>();
  readonly held = new FifoQueue<SlotWaiter>();

  constructor(readonly name: string) {}

  get size(): number {
    return this.queued.size + this.held.size;
  }
}

/** Limits how many waiters are admitted in one turn of the event loop, so that turns stay short. */
class Portions {
  readonly #onNext: () => void;
  #portion = 16;
  #left = this.#portion;
  #began = 0;
  #next: NodeJS.Immediate | undefined;
  #after: NodeJS.Immediate | undefined;

  /** @param onNext called when more may be admitted again */
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
    // Most of the work happens in microtasks before this callback.
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

/** Milliseconds from which a turn of the event loop counts as long. */
const longTurn = 2;
const largestPortion = 256;

/**
 * A deque: first in, first out, with exceptions. `Array.shift` takes time in proportion to the length. One array is
 * reused, and cleared as items are taken: an array in V8's old generation would keep taken items alive through minor
 * collections.
 */
class FifoQueue<Item> {
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

  /** Adds an item at the front. */
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

  /** Takes the last item. */
  pop(): Item | undefined {
    return this.size === 0 ? undefined : this.#items.pop();
  }
}
