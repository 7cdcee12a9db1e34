import { LRUCache } from 'lru-cache';
import { FairQueue, heaviest } from '../admission/fair-queue';
import { atMost } from './at-most';
import type { PlanningError } from './planning-error';
import type { PlanRequest } from './worker';

/** An operation whose plan is awaited. */
export interface Task {
  readonly key: string;
  readonly request: PlanRequest;
  /** The sender of the operation. Senders take turns. */
  readonly sender: string;
  /** The number of waiting operations that it counts as. */
  readonly weight: number;
  /** Whether a first try was not quick. */
  isSlow: boolean;
  /** How long threads have worked on it so far, in milliseconds. */
  worked: number;
  /** Whether it is a retry in the background, which no caller waits for. */
  readonly isBackground?: boolean | undefined;
  /** When its caller stops waiting, in milliseconds of `performance.now()`. */
  readonly expires: number;
  /** Answers the caller. Does nothing after the first answer, such as that of the deadline. */
  readonly settle: (result: string | PlanningError) => void;
}

/**
 * The operations that wait for a thread, in two queues: those that may be quick, and those that a try has shown to be
 * slow. Senders take turns, so that many new operations of one sender delay another's by only one.
 *
 * Slow operations are remembered, so that one that is sent again and again does not delay quick ones.
 */
export class WaitingTasks {
  readonly #quick = new FairQueue<Task>();
  readonly #slow = new FairQueue<Task>();
  readonly #knownSlow: LRUCache<string, true>;

  /** @param rememberFor how long an operation counts as slow, in milliseconds */
  constructor(rememberFor: number) {
    this.#knownSlow = new LRUCache({ ...atMost(10_000), ttl: rememberFor });
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

  /** The number of a sender's waiting operations. */
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

  /** Takes out the oldest task of the next sender, quick tasks first. */
  take({ slowToo }: { readonly slowToo: boolean }): Task | undefined {
    return (this.#quick.size > 0 || !slowToo ? this.#quick : this.#slow).take();
  }

  /** Takes out the newest task of the sender with the most weight, if it has more than this sender. */
  takeOfMost(sender: string): Task | undefined {
    const weightOf = (each: string): number => this.#quick.weightOf(each) + this.#slow.weightOf(each);
    const senders = [...this.#quick.senders(), ...this.#slow.senders()];
    const most = heaviest(senders, weightOf, Math.max(1, weightOf(sender)));
    return most === undefined ? undefined : this.takeNewestOf(most);
  }

  /** Takes out a sender's newest task, from the queue in which the sender has more weight. */
  takeNewestOf(sender: string): Task | undefined {
    const larger = this.#quick.weightOf(sender) >= this.#slow.weightOf(sender) ? this.#quick : this.#slow;
    return larger.takeNewestOf(sender);
  }

  delete(task: Task): void {
    this.#quick.delete(task);
    this.#slow.delete(task);
  }

  /** Takes out all tasks. */
  clear(): Task[] {
    const tasks: Task[] = [];
    for (let task = this.take({ slowToo: true }); task !== undefined; task = this.take({ slowToo: true }))
      tasks.push(task);
    return tasks;
  }
}
