import { type z } from 'zod';
import { type RequestScope } from '../../subgraph';
import { type RetryOptions } from '../channels/channel';
import { type DomainEvent } from '../event';
import { firstProblem } from '../log/read-event';

/**
 * The events that a consumer reads: source, type, version, and the part of the data that it needs. Subgraphs do not
 * import one another, so each consumer states this part itself; what else the data has is ignored.
 */
export type ConsumedEvents = Readonly<Record<string, Readonly<Record<string, EventVersions>>>>;
type EventVersions = Readonly<Record<number, z.ZodType>>;

/** One of the events of `From`; its `type` gives the type of its `data`. */
export type EventOf<From extends ConsumedEvents> = {
  [Source in keyof From & string]: {
    [Type in keyof From[Source] & string]: {
      [Version in keyof From[Source][Type] & number]: DomainEvent<
        Type,
        z.output<From[Source][Type][Version]>
      > & {
        readonly source: Source;
        readonly dataversion: Version;
      };
    }[keyof From[Source][Type] & number];
  }[keyof From[Source] & string];
}[keyof From & string];

/**
 * What a consumer may use while it handles one event. What it writes and starts through it continues the correlation id
 * and the trace of the event. Lines of `log` have these ids, too: `event`, `requestId`, `traceId`.
 */
export interface ConsumerScope<OptionName extends string = string> extends Pick<
  RequestScope<OptionName>,
  'db' | 'cause' | 'options' | 'propagation' | 'fetch' | 'sign' | 'log' | 'workflows'
> {
  /**
   * Aborted when the time to handle the event is over, or the process has been stopping for 10 s. Reads through `db` use
   * it already. The handler should end then: 5 s later the event is delivered again, beside one that does not.
   */
  readonly signal: AbortSignal;
  /** 1 for the first delivery of the event. */
  readonly attempt: number;
  /** Whether an operator repeats it from the failure queue, so that later events of its subject may have been handled. */
  readonly isRetry: boolean;
}

export interface ConsumerDefinition<From extends ConsumedEvents> extends RetryOptions {
  /** Names the consumer in its subgraph. Renamed, it begins anew, with all events. */
  readonly name: string;
  readonly from: From;
  /**
   * Handles one event. Events of one subject come in their order, one at a time. Each comes at least once, so the second
   * time must change nothing. What it throws fails the event, which is delivered again; an {@link UnprocessableEvent}
   * puts it into the failure queue at once.
   */
  readonly handle: (event: EventOf<From>, scope: ConsumerScope) => Promise<void>;
  /** How many events are handled at once, of different subjects. @default 8 */
  readonly concurrency?: number;
  /**
   * The most milliseconds that an event may be handled; meanwhile no process gets it again. Then `signal` is aborted, the
   * event has failed, and the log has the error `EventTimeout`. On AWS Lambda the function's own limit counts, too.
   * @default 300000
   */
  readonly timeout?: number;
}

/** A consumer of whatever events, as the kit runs it. */
export interface Consumer extends RetryOptions {
  readonly name: string;
  readonly from: ConsumedEvents;
  readonly handle: (event: DomainEvent, scope: ConsumerScope) => Promise<void>;
  readonly concurrency: number;
  readonly timeout: number;
}

/** Milliseconds. */
export const defaultTimeout = 300_000;

/** The event cannot be handled however often it is repeated. */
export class UnprocessableEvent extends Error {
  override readonly name = 'UnprocessableEvent';
}

/**
 * Defines a consumer of events, of this subgraph or others. List it in `defineSubgraph({ consumers: [...] })`; for each
 * other source the subgraph needs the option of its URL: `ordersUrl` for `orders`.
 * ```ts
 * export const thankBuyer = defineConsumer({
 *   name: 'thank-buyer',
 *   from: { orders: { OrderPlaced: { 1: z.object({ buyerId: z.string() }) } } },
 *   async handle({ subject, data }, { db }) {
 *     await db.table(thanksTable).create({ orderId: subject, to: data.buyerId });
 *   },
 * });
 * ```
 */
export function defineConsumer<const From extends ConsumedEvents>({
  concurrency = 8,
  timeout = defaultTimeout,
  handle,
  ...rest
}: ConsumerDefinition<From>): Consumer {
  const { name, from } = rest;
  checkName(name);
  if (Object.values(from).every((types) => Object.keys(types).length === 0))
    throw new TypeError(`The consumer "${name}" must read at least one type of events.`);
  const { tries = 1, firstPause = 1 } = rest;
  for (const [option, value] of Object.entries({ concurrency, timeout, tries, firstPause }))
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(
        `\`${option}\` of the consumer "${name}" must be a positive whole number, but got: ${value}`,
      );
  return {
    ...rest,
    concurrency,
    timeout,
    handle: async (event, scope) => handle(withCheckedData(event, name, from) as EventOf<From>, scope),
  };
}

/** Names are parts of the names of tables. */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9_.-]{1,100}$/.test(name))
    throw new TypeError(
      `The name of a consumer must have 1 to 100 letters, digits, dots, hyphens and underscores, but got: "${name}"`,
    );
}

/** The event with its data as the schema reads it. Throws an {@link UnprocessableEvent} where it cannot. */
export function withCheckedData(event: DomainEvent, consumer: string, from: ConsumedEvents): DomainEvent {
  const { source, type, dataversion } = event;
  const versions = from[source]?.[type];
  const schema = versions?.[dataversion];
  if (!schema) {
    const known = Object.keys(versions ?? {}).join(', ');
    throw new UnprocessableEvent(
      `The consumer "${consumer}" does not know version ${dataversion} of ${type}; it knows: ${known}.`,
    );
  }
  const { data, error } = schema.safeParse(event.data);
  if (error)
    throw new UnprocessableEvent(
      `The data of ${type} is not as "${consumer}" needs it: ${firstProblem(error)}.`,
    );
  return { ...event, data };
}
