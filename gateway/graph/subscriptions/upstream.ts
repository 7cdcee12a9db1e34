import type { Source } from '../../subgraph-calls/source';
import type { SubgraphEvent } from '../../subgraph-calls/transport';

/** Takes the events of a source. */
export interface EventConsumer {
  /** Returns a promise while it has no room for more. Must not throw. */
  receive(event: SubgraphEvent): Promise<void> | undefined;
  /** The source has ended. @param error why, if it broke */
  sourceEnded(error: Error | undefined): void;
}

/**
 * One source of a subgraph for all executions that may share it. It asks for the next event when all of them have room for
 * it: the transport bounds what waits.
 */
export class Upstream {
  readonly key: string;
  /** Resolves when the source is open; rejects with a `GraphQLError`. */
  readonly opened: Promise<void>;
  readonly #consumers = new Set<EventConsumer>();
  readonly #onEnd: () => void;
  readonly #onEvent: () => void;
  #source: Source<SubgraphEvent> | undefined;
  #isEnded = false;

  /**
   * @param open is told by the function that it is given whether nobody waits for it any more
   * @param onEnd called once, when it has ended or nobody consumes its events any more
   * @param onEvent called for each event
   */
  constructor(
    key: string,
    open: (isUnwanted: () => boolean) => Promise<Source<SubgraphEvent>>,
    { onEnd, onEvent }: { readonly onEnd: () => void; readonly onEvent: () => void },
  ) {
    this.key = key;
    this.#onEnd = onEnd;
    this.#onEvent = onEvent;
    this.opened = open(() => this.#isEnded).then(
      (source) => {
        this.#source = source;
        if (this.#isEnded) source.close();
        // Not before those who wait for it consume its events.
        else setImmediate(() => void this.#read(source));
      },
      (error: unknown) => {
        this.#end();
        throw error;
      },
    );
    // Each of its consumers waits for it.
    this.opened.catch(() => undefined);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  add(consumer: EventConsumer): void {
    this.#consumers.add(consumer);
  }

  /** Closes the source when it was the last one. */
  delete(consumer: EventConsumer): void {
    this.#consumers.delete(consumer);
    if (this.#consumers.size > 0 || this.#isEnded) return;
    this.#end();
    this.#source?.close();
  }

  async #read(source: Source<SubgraphEvent>): Promise<void> {
    let failure: Error | undefined;
    try {
      for (let event = await source.next(); event !== undefined; event = await source.next()) {
        this.#onEvent();
        for (const consumer of [...this.#consumers]) await consumer.receive(event);
      }
    } catch (error) {
      failure = error as Error;
      source.close();
    }
    this.#end();
    for (const consumer of [...this.#consumers]) consumer.sourceEnded(failure);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
  }
}
