import { archiveEvents } from '../../gateway/events/archive/archive';
import { numberOf } from './read-archive';
import type { RehearsalEvent } from './store-process';

/** The archive of the rehearsal's events, which goes on beside the writes: what it has, and whom that concerns. */
export class RunningArchive {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  readonly #revisions = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #position = '';

  /** `onBroken`: the archive cannot be continued. */
  constructor(trail: string, url: string, onBroken: (reason: Error) => void) {
    this.#running = archiveEvents({
      ...{ source: 'weir-rehearsal', url, trail, signal: this.#stopping.signal },
      // A connection that fails is tried again. A rehearsal in which none succeeds ends as nothing goes on.
      onChange: () => undefined,
      onArchived: (lines) => this.#add(lines),
    }).catch((error: unknown) => onBroken(new Error(`The archive has ended: ${(error as Error).message}.`)));
  }

  /** The position of the last event that it has; '' if it has none. */
  get position(): string {
    return this.#position;
  }

  get events(): number {
    return this.#position === '' ? 0 : numberOf(this.#position);
  }

  /** Resolves when it has the event of a revision of an item. Rejects if it is stopped before. */
  async has(id: string, revision: number): Promise<void> {
    while ((this.#revisions.get(id) ?? 0) < revision) {
      this.#stopping.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const waiting = this.#waiting.get(id) ?? new Set();
        this.#waiting.set(id, waiting.add(resolve));
      });
    }
  }

  /** Ends it as a process is ended: what it has received and not written is lost. Resolves when the trail is closed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    for (const waiting of this.#waiting.values()) for (const resolve of waiting) resolve();
  }

  #add(lines: string): void {
    for (const line of lines.trimEnd().split('\n')) {
      const { details } = JSON.parse(line) as { details: { position: string; event: RehearsalEvent } };
      const { subject, data } = details.event;
      this.#position = details.position;
      this.#revisions.set(subject, data.revision);
      const waiting = this.#waiting.get(subject);
      this.#waiting.delete(subject);
      for (const resolve of waiting ?? []) resolve();
    }
  }
}
