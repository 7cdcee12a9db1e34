/** Chooses the events of a subscription. */
export interface EventSelection {
  /** Such as `ReviewWritten`. */
  readonly types: readonly string[];
  /** `all`, or the keys whose events are wanted. */
  readonly keys: readonly string[] | 'all';
  /**
   * Takes the key from the data of an event. One function for all selections of a kind: they are found by it.
   *
   * @default the key is the event's subject
   */
  // oxlint-disable-next-line typescript/no-explicit-any -- each event has data of its own
  readonly keyOf?: ((data: any) => string) | undefined;
  /** The position of the last event that the subscriber has. @default undefined: only what happens from now on */
  readonly after?: string | undefined;
}

/** An event of a stream, or the word that events before the next one may be missing. */
export type StreamedEvent<Data = unknown> =
  | { readonly isGap: false; readonly position: string; readonly data: Data }
  | { readonly isGap: true };

/**
 * The events of one subscription, in the order in which they happened. It never ends by itself. `return` ends it
 * at once: a `next` that is waited for, and each after it, is the end. When `next` rejects, the subscription is broken off,
 * and the gateway subscribes anew.
 */
export interface EventStream<Data = unknown> extends AsyncIterableIterator<StreamedEvent<Data>> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Where subscriptions get their events from. */
export interface EventSource {
  /**
   * Opens a stream, which has what happens once it is open. With `after`, events behind that position come first. If
   * they are not kept any more, the stream begins with a gap. A stream whose reader is too slow drops its oldest events,
   * and has a gap in their place.
   */
  subscribe(selection: EventSelection): Promise<EventStream>;
}
