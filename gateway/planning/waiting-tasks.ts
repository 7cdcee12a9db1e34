import { LRUCache } from 'lru-cache';
import type { PlanningError } from './planning-error';
import type { PlanRequest } from './worker';

/** An operation that somebody waits for the plan of. */
export interface Task {
  readonly key: string;
  readonly request: PlanRequest;
  /** Whether it has been tried and was not quick. */
  isSlow: boolean;
  /** For how long threads have worked on it before, in milliseconds. */
  worked: number;
  /** When nobody waits for it any more, in milliseconds of `performance.now()`. */
  readonly expires: number;
  /** Answers the caller. Once it has been answered, by the deadline, this does nothing. */
  readonly settle: (result: string | PlanningError) => void;
}

/**
 * The operations that wait for a thread: those that may be quick, and those that were tried and are not.
 *
 * Which ones are slow is only known once they have been tried; it is remembered, so that who sends one again and again
 * keeps no quick ones waiting.
 */
export class WaitingTasks {
  readonly #quick = new Set<Task>();
  readonly #slow = new Set<Task>();
  readonly #knownSlow: LRUCache<string, true>;

  /** @param rememberFor how long an operation counts as slow, in milliseconds */
  constructor(rememberFor: number) {
    this.#knownSlow = new LRUCache({ max: 10_000, ttl: rememberFor });
  }

  get size(): number {
    return this.#quick.size + this.#slow.size;
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

  /** Takes out the task that waits longest, quick ones first. */
  take({ slowToo }: { readonly slowToo: boolean }): Task | undefined {
    const [task] = this.#quick.size > 0 || !slowToo ? this.#quick : this.#slow;
    if (task !== undefined) this.delete(task);
    return task;
  }

  delete(task: Task): void {
    this.#quick.delete(task);
    this.#slow.delete(task);
  }

  /** Takes out all. */
  clear(): Task[] {
    const tasks = [...this.#quick, ...this.#slow];
    this.#quick.clear();
    this.#slow.clear();
    return tasks;
  }
}
