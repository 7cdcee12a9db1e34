import { type DomainEvent } from '../event';

/**
 * Delivers events at least once. Events of one source and subject are delivered in the order of their sequence, one at a
 * time, unless one of them is in the failure queue: the later ones do not wait for it.
 */
export interface Channel {
  /** Takes events that the log of their source holds already. The relay calls it, and repeats it when it fails. */
  publish(events: readonly DomainEvent[]): Promise<void>;
  /** Opens the deliveries of a consumer. A consumer that is new gets every event that the channel still has. */
  subscribe(consumer: string, selection: ConsumerSelection, retry?: RetryOptions): Subscription;
}

/** The types of events that a consumer wants, by source: `{ orders: ['OrderPlaced', 'OrderCancelled'] }`. */
export type ConsumerSelection = Readonly<Record<string, readonly string[]>>;

/** An event on its way to a consumer. */
export interface Delivery {
  readonly event: DomainEvent;
  /** 1 for the first time, 2 after one failure. It starts at 1 again where an operator repeats a failed event. */
  readonly attempt: number;
  /** Whether an operator repeats it, so that later events of its subject may have been handled. @default false */
  readonly isRetry?: boolean;
}

/**
 * The deliveries of one consumer. Any number of processes may subscribe as the same consumer: each event goes to one of
 * them, and to another one when that process ends without `done`.
 */
export interface Subscription {
  /**
   * Deliveries, until the signal is aborted. Of one subject there is one at a time. Events that cannot be read go to the
   * failure queue and are not delivered; a trace context that cannot be read is removed from its event.
   */
  receive(signal: AbortSignal): AsyncIterable<Delivery>;
  /** The consumer is done with the event. It may still be delivered once more, if the process ends soon. */
  done(delivery: Delivery): Promise<void>;
  /**
   * The consumer could not handle the event. It is delivered again after a pause, which doubles; after the last try, or
   * at once with `isFinal`, it goes to the failure queue with the reason.
   */
  failed(delivery: Delivery, reason: string, options?: { readonly isFinal?: boolean }): Promise<void>;
  readonly failures: Failures;
  /** Ends it and lets another process take over at once. */
  stop(): Promise<void>;
}

/** The failure queue of one consumer. */
export interface Failures {
  /** A page of the failures, oldest first. */
  list(options?: ListFailuresOptions): Promise<FailurePage>;
  /** Delivers the event again, with all its tries. False when there is no such failure. */
  retry(id: string): Promise<boolean>;
  /** Forgets the event. False when there is no such failure. */
  drop(id: string): Promise<boolean>;
}

export interface ListFailuresOptions {
  /** Positive. A page has fewer where they are large. @default 100 */
  readonly limit?: number | undefined;
  /** The `next` of the page before. @default the oldest failures */
  readonly after?: string | undefined;
}

export interface FailurePage {
  readonly failures: readonly Failure[];
  /** There are more, which `after` gives. */
  readonly next?: string;
}

/** An event that a consumer could not handle. */
export interface Failure {
  /** Names the failure within its consumer. */
  readonly id: string;
  /** One sentence; cut off after 1,000 characters. */
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly failedAt: string;
  /** How often it was delivered; 0 where it could not be read. */
  readonly attempts: number;
  /** The event as it was received, in JSON; cut off after 240 KB. */
  readonly text: string;
}

/** Bytes of texts on one page, unless it has only one failure. */
const mostPageBytes = 1024 * 1024;

/** The position of a failure in its queue. It stays one when the failure is gone. */
export const positionOf = ({ failedAt, id }: Pick<Failure, 'failedAt' | 'id'>): string => `${failedAt}/${id}`;

/** The first page of failures that are in the order of their positions. */
export function pageOf(ordered: readonly Failure[], limit: number): FailurePage {
  let bytes = 0;
  const end = ordered.findIndex(({ text }, i) => {
    bytes += Buffer.byteLength(text);
    return i === limit || (i > 0 && bytes > mostPageBytes);
  });
  return end === -1
    ? { failures: ordered }
    : { failures: ordered.slice(0, end), next: positionOf(ordered[end - 1]!) };
}

/** What a failure queue keeps of a failure: SQS takes 256 KB, an item of DynamoDB 400 KB. */
export const shortened = ({
  reason,
  text,
}: Pick<Failure, 'reason' | 'text'>): Pick<Failure, 'reason' | 'text'> => ({
  reason: reason.slice(0, 1000),
  text: Buffer.from(text)
    .subarray(0, 240 * 1024)
    .toString(),
});

/** How failed deliveries are repeated. */
export interface RetryOptions {
  /** How often an event is delivered before it goes to the failure queue. @default 5 */
  readonly tries?: number | undefined;
  /** Milliseconds before the second delivery. Each later pause is four times as long. @default 200 */
  readonly firstPause?: number | undefined;
}
