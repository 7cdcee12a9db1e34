import { MIMEType } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { IncrementalFormat } from '../request/sink';
import { eventStream } from './event-stream';
import type { Framing } from './framing';
import { mediaTypes } from '../net/media-type';
import { multipart, multipart20220824, multipartSubscription, multipartV02 } from './multipart';

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
