/** An event as a source has it. */
export interface ReceivedEvent {
  /** The CloudEvent, as JSON. */
  readonly body: Buffer;
  /** An opaque text, for `EventReadOptions.after`. Undefined where the source has no positions. */
  readonly position: string | undefined;
}

/** Some events that follow one another. */
export interface EventBatch {
  readonly events: readonly ReceivedEvent[];
  /** Where the source is, if `events` does not say. */
  readonly position?: string | undefined;
  /** Whether events may be missing before these. @default false */
  readonly isGap?: boolean | undefined;
  /** Whether there is nothing more for now. @default false */
  readonly isIdle?: boolean | undefined;
}

/** The position after a batch; undefined if it is that before it. */
export const positionOf = ({ events, position }: EventBatch): string | undefined =>
  events.at(-1)?.position ?? position;

export interface EventReadOptions {
  /** The position of the last event that is known. @default undefined: events from now on */
  readonly after?: string | undefined;
  /** The types that are wanted. Others may be given, too. */
  readonly types: readonly string[];
  /** Ends the reading, at once. */
  readonly signal: AbortSignal;
}

/** Where events come from. Its contract suite: `test/contracts/domain-event-source.test.ts`. */
export interface DomainEventSource {
  /**
   * Where events are while nobody reads them: behind `positions`, from which several may read at once; or in a `queue`, for one
   * reader, which misses nothing when it comes back.
   */
  readonly keeps: 'positions' | 'queue';
  /**
   * Reads the events: one connection. The first batch means that it is open. The next batch is read when the one before was
   * handled. Rejects, or ends, when the connection breaks; ends when `signal` is aborted.
   */
  read(options: EventReadOptions): AsyncIterable<EventBatch>;
  /** Gives up what it holds. Called once, when nobody reads any more. */
  close(): Promise<void>;
}
