import { z } from 'zod';
import { traceIdIn } from '../../traces/trace';
import { mostEventBytes, type DomainEvent } from '../event';

/** What was received: an event, or the reason why it is none. */
export type ReadEvent = { readonly event: DomainEvent } | { readonly unreadable: string };

/**
 * Reads an event from JSON. Attributes that it does not know are removed, and so is a trace context that is broken: it
 * is no reason to lose an event.
 */
export function readEvent(text: string): ReadEvent {
  const bytes = Buffer.byteLength(text);
  if (bytes > mostEventBytes)
    return { unreadable: `The event has ${bytes} bytes, but at most ${mostEventBytes} are allowed.` };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { unreadable: 'The event is not JSON.' };
  }
  const { data: event, error } = envelope.safeParse(json);
  if (error) return { unreadable: `The event is no CloudEvent of a subgraph: ${firstProblem(error)}.` };
  const { traceparent, tracestate, ...rest } = event;
  const hasTrace = typeof traceparent === 'string' && traceIdIn(traceparent) !== undefined;
  return {
    event: {
      ...rest,
      ...(hasTrace && { traceparent, ...(typeof tracestate === 'string' && { tracestate }) }),
    },
  };
}

const name = z.string().min(1).max(512);

const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(1024),
  source: name,
  type: name,
  dataversion: z.int().min(1),
  subject: name,
  sequence: z.int().min(1),
  time: z.iso.datetime(),
  data: z.unknown(),
  correlationid: name,
  traceparent: z.unknown().optional(),
  tracestate: z.unknown().optional(),
});

/** The first problem that zod found, such as `data.upc: Invalid input: expected string, received number`. */
export function firstProblem({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  return path.length === 0 ? message : `${path.join('.')}: ${message}`;
}
