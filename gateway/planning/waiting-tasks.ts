import { LRUCache } from 'lru-cache';
import { FairQueue, heaviest } from '../admission/fair-queue';
import type { PlanningError } from './planning-error';
import type { PlanRequest } from './worker';

/** An operation whose plan is awaited. */
export interface Task {
  readonly key: string;
  readonly request: PlanRequest;
  /** Who asks for it: their tasks wait for one another. */
  readonly sender: string;
  /** How many of those that may wait it counts as. */
  readonly weight: number;
  /** Whether it has been tried and was not quick. */
  isSlow: boolean;
  /** For how long threads have worked on it before, in milliseconds. */
  worked: number;
  /** Whether nobody waits for it: it failed before, and is tried once more. */
  readonly isBackground?: boolean | undefined;
  /** When nobody waits for it any more, in milliseconds of `performance.now()`. */
  readonly expires: number;
  /** Answers the caller. Once it has been answered, by the deadline, this does nothing. */
  readonly settle: (result: string | PlanningError) => void;
}

/**
 * The operations that wait for a thread, in two queues: those that may be quick, and those that were tried and are slow.
 * Senders take turns, so that many new operations of one sender delay another's by one of them and not by all.
 *
 * Whether an operation is slow is known only after it was tried. This is remembered, so that a slow operation that is sent
 * again and again does not delay quick ones.
 */
export class WaitingTasks {
  readonly #quick = new FairQueue<Task>();
  readonly #slow = new FairQueue<Task>();
  readonly #knownSlow: LRUCache<string, true>;

  /** @param rememberFor how long an operation counts as slow, in milliseconds */
  constructor(rememberFor: number) {
    this.#knownSlow = new LRUCache({ max: 10_000, ttl: rememberFor });
  }

  get size(): number {
    return this.#quick.size + this.#slow.size;
  }

  get weight(): number {
    return this.#quick.weight + this.#slow.weight;
  }

  get hasSlow(): boolean {
    return this.#slow.size > 0;
  }

  /** How many of a sender's wait. */
  countOf(sender: string): number {
    return this.#quick.countOf(sender) + this.#slow.countOf(sender);
  }

  add(task: Task): void {
    task.isSlow = this.#knownSlow.has(task.key);
    (task.isSlow ? this.#slow : this.#quick).add(task);
  }

  /** Adds a task that turned out to be slow. */
  addSlow(task: Task): void {
    this.#knownSlow.set(task.key, true);
    this.add(task);
  }

  /** Takes out the task of the sender whose turn it is that waits longest, quick ones first. */
  take({ slowToo }: { readonly slowToo: boolean }): Task | undefined {
    return (this.#quick.size > 0 || !slowToo ? this.#quick : this.#slow).take();
  }

  /** Takes out the newest task of the sender of most, if that is not this one: there is no room for all. */
  takeOfMost(sender: string): Task | undefined {
    const weightOf = (each: string): number => this.#quick.weightOf(each) + this.#slow.weightOf(each);
    const senders = [...this.#quick.senders(), ...this.#slow.senders()];
    const most = heaviest(senders, weightOf, Math.max(1, weightOf(sender)));
    return most === undefined ? undefined : this.takeNewestOf(most);
  }

  /** Takes out the newest of those that may be quick or of those that are not, of whichever a sender has most. */
  takeNewestOf(sender: string): Task | undefined {
    const larger = this.#quick.weightOf(sender) >= this.#slow.weightOf(sender) ? this.#quick : this.#slow;
    return larger.takeNewestOf(sender);
  }

  delete(task: Task): void {
    this.#quick.delete(task);
    this.#slow.delete(task);
  }

  /** Takes out all. */
  clear(): Task[] {
    const tasks: Task[] = [];
    for (let task = this.take({ slowToo: true }); task !== undefined; task = this.take({ slowToo: true }))
      tasks.push(task);
    return tasks;
  }
}
