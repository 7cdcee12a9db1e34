import { MIMEType } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { IncrementalFormat, ResponsePart } from '../request/sink';
import { type Framing, framedOnce, withoutLineBreaks } from './framing';
import { mediaTypes } from '../net/media-type';

/** How answers in parts go to a client. */
export interface PartsTypes {
  /** Of the events of a subscription; undefined if it takes none. */
  readonly events: Framing | undefined;
  /** Of the parts of one answer, with their format; undefined if it takes none. */
  readonly increments: Increments | undefined;
  /** Whether it reads nothing but server-sent events. */
  readonly isOnlyEvents: boolean;
}

/** What a client takes by its `Accept`. */
export type PartsTypesFor = (accept: string | undefined) => PartsTypes;

interface Increments {
  readonly framing: Framing;
  readonly format: IncrementalFormat;
}

/**
 * Chooses among the media types that a client names: the one with the highest `q`, of several the first. A client that takes
 * anything expects an answer that is whole.
 */
export function partsTypes(): PartsTypesFor {
  const known = new LRUCache<string, PartsTypes>({ max: 100 });
  const mediaTypeFor = mediaTypes();
  return (accept) => {
    if (accept === undefined || accept === '') return none;
    let types = known.get(accept);
    if (types === undefined) {
      const ranges = namedRanges(accept);
      const events = first(ranges, eventsOf);
      types = {
        events,
        increments: first(ranges, incrementsOf),
        isOnlyEvents: events === eventStream && mediaTypeFor(accept) === undefined,
      };
      known.set(accept, types);
    }
    return types;
  };
}

const none: PartsTypes = { events: undefined, increments: undefined, isOnlyEvents: false };

function eventsOf(range: MIMEType): Framing | undefined {
  if (range.essence === 'text/event-stream') return eventStream;
  if (range.params.get('subscriptionspec') === '1.0') return multipartSubscription;
  return isBare(range) ? multipart : undefined;
}

function incrementsOf(range: MIMEType): Increments | undefined {
  if (range.essence === 'text/event-stream') return { framing: eventStream, format: 'v0.2' };
  if (range.params.get('deferspec') === '20220824') return { framing: multipart20220824, format: '20220824' };
  if (range.params.get('incrementalspec') === 'v0.2') return { framing: multipartV02, format: 'v0.2' };
  return isBare(range) ? { framing: multipart, format: 'v0.2' } : undefined;
}

/** Whether it names no protocol: not even one that is not served here. */
const isBare = ({ params }: MIMEType): boolean =>
  ['subscriptionspec', 'deferspec', 'incrementalspec'].every((name) => !params.has(name));

function first<Found>(
  ranges: readonly MIMEType[],
  find: (range: MIMEType) => Found | undefined,
): Found | undefined {
  for (const range of ranges) {
    const found = find(range);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The media types of answers in parts that an `Accept` names (RFC 9110, section 12.5.1), the best first. */
function namedRanges(accept: string): readonly MIMEType[] {
  return rangesOf(accept)
    .filter(({ essence }) => essence === 'text/event-stream' || essence === 'multipart/mixed')
    .map((range) => ({ range, quality: Number(range.params.get('q') ?? 1) }))
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ range }) => range);
}

function rangesOf(accept: string): readonly MIMEType[] {
  const ranges: MIMEType[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i <= accept.length && ranges.length < mostRanges; i++) {
    if (accept[i] === '"') isQuoted = !isQuoted;
    if (i < accept.length && (accept[i] !== ',' || isQuoted)) continue;
    try {
      ranges.push(new MIMEType(accept.slice(start, i)));
    } catch {
      // What is not a media type is nothing that is served.
    }
    start = i + 1;
  }
  return ranges;
}

/** No client names as many; each takes time. */
const mostRanges = 50;

/**
 * Server-sent events (HTML, section 9.2) as `graphql-sse` has them in its distinct connections mode: `next` with a GraphQL
 * response, and `complete`. The cursor of a part is the `id` of its event, which a browser's `EventSource` sends as
 * `Last-Event-ID` when it comes back.
 *
 * Where the client may come back at once there is `retry`, and no `complete`: `EventSource` and `graphql-sse` then come back by
 * themselves.
 */
export const eventStream: Framing = {
  protocol: 'sse',
  mediaType: 'text/event-stream; charset=utf-8',
  // A comment: proxies that wait for the first byte of a body hand on the head.
  opening: Buffer.from(':\n\n'),
  heartbeat: Buffer.from(':\n\n'),
  frame: framedOnce(({ body, cursor, ending }) => {
    if (ending === 'shutdown') return retry();
    const id = cursor !== undefined && isId.test(cursor) ? `id: ${cursor}\n` : '';
    return Buffer.concat([Buffer.from(`event: next\n${id}data: `), withoutLineBreaks(body), eventEnd]);
  }),
  end: (ending) => {
    if (ending === 'timeout') return retry();
    return ending === 'shutdown' ? nothing : complete;
  },
};

/** What a client can send back in a header. */
const isId = /^[\x21-\x7e]+$/;

/** Has the client come back after some milliseconds; not the same for all, so that not all come back at once. */
const retry = (): Buffer => Buffer.from(`retry: ${500 + Math.floor(Math.random() * 1000)}\n\n`);

const eventEnd = Buffer.from('\n\n');
// Without `data` browsers drop an event.
const complete = Buffer.from('event: complete\ndata:\n\n');
const nothing = Buffer.alloc(0);

const delimiter = '--graphql';
const partHead = Buffer.from('\r\ncontent-type: application/json; charset=utf-8\r\n\r\n');
const partEnd = Buffer.from(`\r\n${delimiter}`);
const end = Buffer.from('--\r\n');
const payloadStart = Buffer.from('{"payload":');
const payloadEnd = Buffer.from('}');
/** Instead of the brace with which the error begins. */
const failureStart = Buffer.from('{"payload":null,');

/** GraphQL responses as parts of one body (RFC 2046, section 5.1.3). */
export const multipart: Framing = framing('', ({ body }) => body);

/** For clients that name the format of an answer in parts. */
export const multipart20220824: Framing = framing('; deferSpec=20220824', ({ body }) => body);
export const multipartV02: Framing = framing('; incrementalSpec=v0.2', ({ body }) => body);

/**
 * The events of a subscription by Apollo's protocol "Multipart HTTP protocol for GraphQL subscriptions": `payload` has the
 * GraphQL response; beside a `payload` of null, `errors` are the reason why there are no more events. A `payload` of null alone means that
 * nothing has failed.
 */
export const multipartSubscription: Framing = {
  ...framing('; subscriptionSpec=1.0', ({ body, ending }) =>
    ending === undefined
      ? Buffer.concat([payloadStart, body, payloadEnd])
      : Buffer.concat([failureStart, body.subarray(1)]),
  ),
  end: (ending) => (ending === 'timeout' ? completed : end),
  heartbeat: partOf(Buffer.from('{}')),
};
const completed = Buffer.concat([partOf(Buffer.from('{"payload":null}')), end]);

function framing(parameter: string, write: (part: ResponsePart) => Buffer): Framing {
  return {
    protocol: 'multipart',
    mediaType: `multipart/mixed; boundary=graphql${parameter}`,
    // With the line break that belongs to it: some clients find no delimiter without.
    opening: Buffer.from(`\r\n${delimiter}`),
    frame: framedOnce((part) => partOf(write(part))),
    end: () => end,
    heartbeat: undefined,
  };
}

/** With the delimiter of the next one: a client that waits for it has the part at once. */
function partOf(json: Buffer): Buffer {
  return Buffer.concat([partHead, withoutLineBreaks(json), partEnd]);
}
