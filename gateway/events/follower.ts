import { pauseBefore, sleep } from './pauses';
import { type DomainEventSource, positionOf, type ReceivedEvent } from './source';

export interface FollowerOptions {
  readonly source: DomainEventSource;
  /** Resolves when the events were handled: until then no others are read. */
  readonly take: (events: readonly ReceivedEvent[]) => Promise<void>;
  /** Called with the position behind all events that were handled, when it changes. */
  readonly onPosition: (position: string) => void;
  /** Events may be missing before the next ones. */
  readonly onGap: () => Promise<void>;
  /** Called when it can be read again, and when it cannot. */
  readonly onChange: (state: 'up' | 'down', reason?: unknown) => void;
  /** Milliseconds before the second attempt to open it; each further attempt waits twice as long, up to 5 s. @default 250 */
  readonly pause?: number | undefined;
}

/** Reads a source from now on, and again whenever its connection breaks: nothing is lost where it can go on. */
export class SourceFollower {
  readonly #options: FollowerOptions;
  readonly #stopped = new AbortController();
  /** Of one connection. */
  #connection = new AbortController();
  #types: readonly string[] = [];
  #running: Promise<void> | undefined;
  #position: string | undefined;
  #isUp: boolean | undefined;
  /** How often it was opened, or could not be. */
  #attempts = 0;
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Reads events of these types from now on: nothing before there are any. Goes on from its position with other types. */
  follow(types: readonly string[]): void {
    const isSame = types.length === this.#types.length && types.every((type) => this.#types.includes(type));
    if (isSame) return;
    this.#types = types;
    this.#connection.abort();
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#connection.abort();
    await this.#running;
    await this.#options.source.close();
  }

  async #run(): Promise<void> {
    const { pause } = this.#options;
    while (!this.#stopped.signal.aborted) {
      this.#connection = new AbortController();
      const { signal } = this.#connection;
      const began = performance.now();
      let reason: unknown = new Error('The connection was closed.');
      try {
        await this.#read(signal);
      } catch (error) {
        reason = error;
      }
      if (signal.aborted) continue;
      this.#down(reason);
      if (performance.now() - began > stableAfter) this.#failures = 0;
      await sleep(pauseBefore(this.#failures++, pause), signal);
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { source, take, onGap, onPosition } = this.#options;
    const after = this.#position;
    let isMissing = this.#attempts++ > 0 && after === undefined && source.keeps === 'positions';
    for await (const batch of source.read({ after, types: this.#types, signal })) {
      this.#up();
      if (isMissing || batch.isGap === true) await onGap();
      isMissing = false;
      if (batch.events.length > 0) {
        await take(batch.events);
        this.#failures = 0;
      }
      const position = positionOf(batch);
      if (position !== undefined && position !== this.#position) onPosition((this.#position = position));
      if (signal.aborted) return;
    }
  }

  #up(): void {
    if (this.#isUp === true) return;
    this.#isUp = true;
    this.#options.onChange('up');
  }

  #down(reason: unknown): void {
    const wasDown = this.#isUp === false;
    this.#isUp = false;
    if (!wasDown) this.#options.onChange('down', reason);
  }
}

/** How long a connection must have lasted for the next one to be opened soon, in milliseconds. */
const stableAfter = 10_000;
