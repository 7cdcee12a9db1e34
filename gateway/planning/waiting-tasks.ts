import { LRUCache } from 'lru-cache';
import type { PlanningError } from './planning-error';
import type { PlanRequest } from './worker';

/** An operation that somebody waits for the plan of. */
export interface Task {
  readonly key: string;
  readonly request: PlanRequest;
  /** Who asks for it: their tasks wait for one another. */
  readonly sender: string;
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
 * The operations that wait for a thread: those that may be quick, and those that were tried and are not. Senders take
 * turns, so that one of many new operations delays another's by one of them and not by all.
 *
 * Which ones are slow is only known once they have been tried; it is remembered, so that who sends one again and again
 * keeps no quick ones waiting.
 */
export class WaitingTasks {
  readonly #quick = new Turns();
  readonly #slow = new Turns();
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

  /** Takes out the task of the sender whose turn it is that waits longest, quick ones first. */
  take({ slowToo }: { readonly slowToo: boolean }): Task | undefined {
    return (this.#quick.size > 0 || !slowToo ? this.#quick : this.#slow).take();
  }

  /** Takes out the newest task of the sender of most, if that is not this one: there is no room for all. */
  takeOfMost(sender: string): Task | undefined {
    const countOf = (each: string): number => this.#quick.countOf(each) + this.#slow.countOf(each);
    let most = sender;
    for (const turns of [this.#quick, this.#slow])
      for (const each of turns.senders()) if (countOf(each) > Math.max(1, countOf(most))) most = each;
    if (most === sender) return undefined;
    const larger = this.#quick.countOf(most) >= this.#slow.countOf(most) ? this.#quick : this.#slow;
    return larger.takeNewestOf(most);
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

/** Tasks of which each sender has one taken in turn, the one that waits longest. */
class Turns {
  size = 0;
  /** The sender whose turn it is comes first; each has at least one. */
  readonly #bySender = new Map<string, Set<Task>>();

  add(task: Task): void {
    const tasks = this.#bySender.get(task.sender);
    if (tasks === undefined) this.#bySender.set(task.sender, new Set([task]));
    else tasks.add(task);
    this.size++;
  }

  delete(task: Task): void {
    const tasks = this.#bySender.get(task.sender);
    if (tasks?.delete(task) !== true) return;
    this.size--;
    if (tasks.size === 0) this.#bySender.delete(task.sender);
  }

  take(): Task | undefined {
    const [first] = this.#bySender;
    if (first === undefined) return undefined;
    const [sender, tasks] = first;
    const [task] = tasks;
    this.#bySender.delete(sender);
    this.#bySender.set(sender, tasks);
    this.delete(task!);
    return task;
  }

  senders(): Iterable<string> {
    return this.#bySender.keys();
  }

  countOf(sender: string): number {
    return this.#bySender.get(sender)?.size ?? 0;
  }

  takeNewestOf(sender: string): Task | undefined {
    const newest = [...(this.#bySender.get(sender) ?? [])].at(-1);
    if (newest !== undefined) this.delete(newest);
    return newest;
  }
}
