/** An event to publish. */
export interface EventToPublish<Data = unknown> {
  /** Such as `ReviewWritten`. */
  readonly type: string;
  /** What it happened to: the key of an entity, such as a product's UPC. */
  readonly key: string;
  /** What subscription fields resolve from. Keep it small: ids rather than whole items. */
  readonly data: Data;
}

/** Chooses the events of a subscription. */
export interface EventSelection {
  readonly type: string;
  /** `all`, or the keys whose events are wanted. */
  readonly keys: readonly string[] | 'all';
  /** The position of the last event that the subscriber has. @default undefined: only what is published from now on */
  readonly after?: string | undefined;
}

/** An event of a stream, or the word that events before the next one may be missing. */
export type StreamedEvent<Data = unknown> =
  { readonly isGap: false; readonly position: string; readonly data: Data } | { readonly isGap: true };

/**
 * The events of one subscription, in the order in which they were published. It never ends by itself. `return` ends it
 * at once: a `next` that is waited for, and each after it, is the end. When `next` rejects, the subscription is broken off,
 * and the gateway subscribes anew.
 */
export interface EventStream<Data = unknown> extends AsyncIterableIterator<StreamedEvent<Data>> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** Where events are published, and where subscriptions get them from. */
export interface EventSource {
  /** Resolves when subscribers will get the event. */
  publish(event: EventToPublish): Promise<void>;
  /**
   * Opens a stream. With `after`, events behind that position come first. If they are not kept any more, the stream
   * begins with a gap. A stream whose reader is too slow drops its oldest events, and has a gap in their place.
   */
  subscribe(selection: EventSelection): EventStream;
}
