import type { Source } from '../../subgraph-calls/contract/source';
import { EventQueue, type EventQueueOptions, kept } from '../../subgraph-calls/subscriptions/event-queue';
import type { SubgraphEvent } from '../../subgraph-calls/contract/transport';

export interface UpstreamOptions extends Pick<EventQueueOptions, 'subgraph' | 'bounds' | 'onDropped'> {
  /** Called once, when it has ended or nobody reads its events any more. */
  readonly onEnd: () => void;
  readonly onEvent: () => void;
}

/**
 * One source of a subgraph for all who may share it. Each of them reads the events at its own pace: those that wait for it
 * are bounded as those of a source are, and wait for nobody else.
 */
export class Upstream {
  readonly key: string;
  /** Resolves when the source is open; rejects with a `GraphQLError`. */
  readonly opened: Promise<void>;
  readonly #options: UpstreamOptions;
  readonly #taps = new Set<EventQueue>();
  #source: Source<SubgraphEvent> | undefined;
  #isEnded = false;

  /** @param open gets a function that returns whether nobody waits for it any more */
  constructor(
    key: string,
    open: (isUnwanted: () => boolean) => Promise<Source<SubgraphEvent>>,
    options: UpstreamOptions,
  ) {
    this.key = key;
    this.#options = options;
    this.opened = open(() => this.#isEnded).then(
      (source) => {
        this.#source = source;
        if (this.#isEnded) source.close();
        else void this.#read(source);
      },
      (error: unknown) => {
        this.#end();
        throw error;
      },
    );
    // Each of those who share it waits for it.
    this.opened.catch(() => undefined);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The events from now on, for one reader. */
  tap(): EventQueue {
    const { subgraph, bounds, onDropped } = this.#options;
    const tap: EventQueue = new EventQueue({ subgraph, bounds, onDropped, onClose: () => this.leave(tap) });
    this.#taps.add(tap);
    return tap;
  }

  /** Gives a reader no more events than those that wait for it. Closes the source when it was the last one. */
  leave(tap: EventQueue): void {
    this.#taps.delete(tap);
    tap.end(undefined);
    if (this.#taps.size > 0 || this.#isEnded) return;
    this.#end();
    this.#source?.close();
  }

  async #read(source: Source<SubgraphEvent>): Promise<void> {
    let failure: Error | undefined;
    try {
      for (let event = await source.next(); event !== undefined; event = await source.next()) {
        this.#options.onEvent();
        // Those that wait for several readers are in memory once.
        const given = this.#taps.size > 1 ? kept(event) : event;
        for (const tap of this.#taps) tap.push(given);
      }
    } catch (error) {
      failure = error as Error;
      source.close();
    }
    this.#end();
    for (const tap of this.#taps) tap.end(failure);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnd();
  }
}
