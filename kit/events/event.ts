import { randomUUID } from 'node:crypto';
import { type z } from 'zod';

/** A fact that a subgraph publishes: a CloudEvent 1.0 with four extension attributes. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly specversion: '1.0';
  /** A UUID, the same whenever this event is delivered again. */
  readonly id: string;
  /** The name of the subgraph that publishes it. */
  readonly source: string;
  /** Such as `OrderPlaced`. */
  readonly type: Type;
  /** The version of the type's data, from 1. */
  readonly dataversion: number;
  /** What it happened to: the id of the item that was changed. Order is kept within a source and subject. */
  readonly subject: string;
  /** Numbers the events of a source and subject: 1, 2, 3 and so on, without a gap. */
  readonly sequence: number;
  /** When it was written: ISO 8601, UTC. */
  readonly time: string;
  readonly data: Data;
  /** The id of the request that began it all. */
  readonly correlationid: string;
  /** Of the request that wrote it (W3C Trace Context). */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** What an event was caused by: a request, or an earlier event, which is a cause as it is. */
export type Cause = Pick<DomainEvent, 'correlationid' | 'traceparent' | 'tracestate'>;

/** An event before it is written. The write adds id, subject, sequence, time and cause. */
export type NewEvent<Type extends string = string, Data = unknown> = Pick<
  DomainEvent<Type, Data>,
  'type' | 'dataversion' | 'data'
>;

/** A type of events, with the schema of its data. */
export interface EventDefinition<Type extends string, Schema extends z.ZodType> {
  readonly type: Type;
  readonly version: number;
  readonly data: Schema;
  /** Makes an event to write. Throws a `TypeError` if the data is not as the schema says. */
  readonly create: (data: z.input<Schema>) => NewEvent<Type, z.output<Schema>>;
}

/**
 * Defines a type of events:
 * ```ts
 * export const OrderPlaced = defineEvent({ type: 'OrderPlaced', data: z.object({ buyerId: z.string() }) });
 * ```
 * Give it a new `version` when its data changes so that consumers of the old one cannot read it.
 */
export function defineEvent<const Type extends string, Schema extends z.ZodType>({
  type,
  version = 1,
  data: schema,
}: {
  readonly type: Type;
  /** @default 1 */
  readonly version?: number;
  /** Keys that it does not name are left out of events. */
  readonly data: Schema;
}): EventDefinition<Type, Schema> {
  if (!isEventType(type))
    throw new TypeError(
      `The type of an event must have 1 to 100 letters, digits, dots, hyphens and underscores, but got: "${type}"`,
    );
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(
      `The version of the event ${type} must be a whole number from 1, but got: ${version}`,
    );
  return {
    type,
    version,
    data: schema,
    create(given) {
      const { success, data, error } = schema.safeParse(given);
      if (success) return { type, dataversion: version, data };
      const mistakes = error.issues.map(({ path, message }) => `${['data', ...path].join('.')}: ${message}`);
      throw new TypeError(`The event ${type} is not as its schema says. ${mistakes.join('; ')}`);
    },
  };
}

export const isEventType = (type: string): boolean => /^[A-Za-z0-9_.-]{1,100}$/.test(type);

/** The largest event, as JSON. SNS and SQS take 256 KB; the rest is for their own attributes. */
export const mostEventBytes = 200 * 1024;

/** Room for what an event gets when it is relayed: its version of CloudEvents, source and sequence. */
const envelopeBytes = 256;

/** What is written of an event beside a change. The name of the subgraph and the sequence are added when it is relayed. */
export type WrittenEvent = Omit<DomainEvent, 'specversion' | 'source' | 'sequence'>;

/**
 * An event as it is written, as JSON: kept as text, its bytes are the same wherever it is read. Throws a `RangeError`
 * over 200 KB.
 */
export function writeEvent(
  { type, dataversion, data }: NewEvent,
  subject: string,
  cause: Cause | undefined,
): string {
  const id = randomUUID();
  const { correlationid = id, traceparent, tracestate } = cause ?? {};
  const time = new Date().toISOString();
  const written = { id, type, dataversion, subject, time, data, correlationid, traceparent, tracestate };
  const text = JSON.stringify(written satisfies { [A in keyof WrittenEvent]: unknown });
  const bytes = Buffer.byteLength(text) + envelopeBytes;
  if (bytes <= mostEventBytes) return text;
  throw new RangeError(
    `The event ${type} of "${subject}" has ${bytes} bytes; at most ${mostEventBytes} are allowed. Put ids into it, not whole items.`,
  );
}
