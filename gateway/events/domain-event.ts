import { isRequestId } from '../telemetry/request-id';
import { readTrace, type TraceContext } from '../telemetry/trace-context';

/** An event of a service: a CloudEvent (version 1.0, JSON format) with the attributes that are read here. */
export interface DomainEvent {
  /** Unique within `source`; the same each time the event is delivered. */
  readonly id: string;
  /** The service that it comes from. */
  readonly source: string;
  readonly type: string;
  /** The version of the type's schema. 1 for events that do not say. */
  readonly version: number;
  /** What it is about, such as the id of an aggregate. Undefined for events of others that have none. */
  readonly subject: string | undefined;
  readonly time: string | undefined;
  readonly data: unknown;
  /** The trace that it belongs to (W3C Trace Context). Undefined if there is none, or a broken one. */
  readonly trace: TraceContext | undefined;
  /** The id of the request that it all began with. Undefined if there is none, or one that headers may not have. */
  readonly requestId: string | undefined;
}

/** Why an event cannot be used. */
export type BadEventReason = 'size' | 'json' | 'shape' | 'version' | 'key' | 'names';

/** An event that cannot be used. The message has the reason, without values of the event. */
export class BadEvent extends Error {
  override readonly name = 'BadEvent';
  readonly reason: BadEventReason;

  constructor(reason: BadEventReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Bytes of the largest event: publishers refuse larger ones. */
export const mostEventBytes = 200 * 1024;

/** Reads an event. @throws {BadEvent} */
export function readEvent(body: Buffer): DomainEvent {
  if (body.length > mostEventBytes)
    throw new BadEvent('size', `The event has ${body.length} bytes; ${mostEventBytes} is the limit.`);
  let given: unknown;
  try {
    given = JSON.parse(body.toString());
  } catch {
    throw new BadEvent('json', 'The event is not JSON.');
  }
  return toEvent(given);
}

/** Checks what has been parsed. @throws {BadEvent} */
function toEvent(given: unknown): DomainEvent {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new BadEvent('shape', 'The event is not a JSON object.');
  const event = given as Readonly<Record<string, unknown>>;
  if (event['specversion'] !== '1.0') throw new BadEvent('shape', '`specversion` is not "1.0".');
  const { dataversion = 1, correlationid } = event;
  if (!Number.isSafeInteger(dataversion) || (dataversion as number) < 1)
    throw new BadEvent('shape', '`dataversion` is not a version from 1 on.');
  return {
    id: textIn(event, 'id'),
    source: textIn(event, 'source'),
    type: textIn(event, 'type'),
    version: dataversion as number,
    subject: event['subject'] === undefined ? undefined : textIn(event, 'subject'),
    time: event['time'] === undefined ? undefined : textIn(event, 'time'),
    data: event['data'],
    trace: readTrace(headerIn(event, 'traceparent'), headerIn(event, 'tracestate')),
    requestId: isRequestId(correlationid) ? correlationid : undefined,
  };
}

function textIn(event: Readonly<Record<string, unknown>>, name: string): string {
  const value = event[name];
  if (typeof value !== 'string' || value === '' || value.length > mostAttribute)
    throw new BadEvent('shape', `\`${name}\` is not a text of 1 to ${mostAttribute} characters.`);
  return value;
}

/** Undefined for what cannot be sent on as the value of a header. */
function headerIn(event: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = event[name];
  return typeof value === 'string' && /^[ -~]*$/.test(value) ? value : undefined;
}

/** Characters of an attribute: DynamoDB's keys are at most twice as long, in bytes. */
const mostAttribute = 1024;
