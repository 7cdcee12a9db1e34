import type { Dispatcher } from 'undici';
import type { Instance } from '../../discovery/resolver';
import type { SubgraphConnections } from '../../subgraph-calls/endpoints/connections';
import { type OwnRequests, ownHeaders } from '../../subgraph-calls/endpoints/own-requests';
import { requestBy } from '../../net/undici';
import { parseSubgraphUrl } from '../../subgraph-calls/endpoints/subgraph-url';
import { EventStreamParser, EventTooLarge } from '../../subgraph-calls/subscriptions/event-stream-parser';
import type { TlsFiles } from '../../net/tls-files';
import { mostEventBytes } from '../domain-event';
import {
  type DomainEventSource,
  type EventBatch,
  positionOf,
  type EventReadOptions,
  type ReceivedEvent,
} from '../source';

/** How the gateway connects to a subgraph now. */
export interface EventPublisher extends OwnRequests {
  readonly name: string;
  /** Where it is called. */
  readonly instances: readonly Pick<Instance, 'url' | 'address'>[];
  readonly tls: TlsFiles | undefined;
  readonly connections: SubgraphConnections;
}

export interface SubgraphSourceOptions {
  /** Undefined while there is no supergraph with the subgraph. */
  readonly locate: () => EventPublisher | undefined;
  /** Milliseconds of silence after which the connection counts as broken. @default 60000 */
  readonly silence?: number | undefined;
}

/**
 * The events of a subgraph, from its log: `GET /events?after=POSITION&types=A,B` beside the endpoint of its calls, signed as
 * these. Server-sent events: `id` is the position, `data` a CloudEvent; a comment
 * `end POSITION` means that there is nothing more for now.
 */
export function subgraphEvents({ locate, silence = 60_000 }: SubgraphSourceOptions): DomainEventSource {
  let turn = 0;
  /** The position before an event that cannot be read. */
  let unreadable: string | undefined;

  async function* read(options: EventReadOptions): AsyncIterable<EventBatch> {
    const { after, signal } = options;
    const publisher = locate();
    if (publisher === undefined) throw new Error('The supergraph does not have the subgraph.');
    const { name, instances, tls, connections } = publisher;
    if (instances.length === 0) throw new Error('No endpoint of the subgraph was found.');
    const instance = instances[turn++ % instances.length]!;
    const url = new URL('/events', parseSubgraphUrl(name, instance.url));
    const pool = connections.ownPool({ name, url, address: instance.address, tls });
    const open = async (from: string | undefined): Promise<Dispatcher.ResponseData> => {
      url.search = new URLSearchParams({
        types: options.types.join(','),
        ...(from && { after: from }),
      }).toString();
      return requestBy(pool, {
        method: 'GET',
        path: url.pathname + url.search,
        headers: await headersOf(publisher, url),
        ...{ bodyTimeout: silence, headersTimeout: silence, signal },
      });
    };
    try {
      let isGap = after !== undefined && after === unreadable;
      let response = await open(isGap ? undefined : after);
      if (response.statusCode === forgotten && after !== undefined && !isGap) {
        await response.body.dump();
        isGap = true;
        response = await open(undefined);
      }
      const { statusCode, headers, body } = response;
      if (statusCode !== 200 || !String(headers['content-type']).startsWith('text/event-stream')) {
        await body.dump();
        throw new Error(`GET /events was answered with ${statusCode}, and not with an event stream.`);
      }
      yield { events: [], isGap };
      let position = isGap ? undefined : after;
      try {
        for await (const batch of batchesOf(body)) {
          yield batch;
          position = positionOf(batch) ?? position;
        }
      } catch (error) {
        if (error instanceof EventTooLarge) unreadable = position;
        throw error;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      void pool.destroy();
    }
  }

  return { keeps: 'positions', read, close: () => Promise.resolve() };
}

/** The status for a position that the log does not have any more. */
const forgotten = 410;

const headersOf = async (publisher: EventPublisher, url: URL): Promise<Readonly<Record<string, string>>> => ({
  ...(await ownHeaders(publisher, { method: 'GET', url, body: nothing })),
  accept: 'text/event-stream',
});

/** The events of each piece that has come. */
async function* batchesOf(body: Dispatcher.ResponseData['body']): AsyncIterable<EventBatch> {
  let events: ReceivedEvent[] = [];
  let position: string | undefined;
  let isIdle = false;
  const parser = new EventStreamParser(mostStreamEvent, {
    onEvent(_name, data, id) {
      position = id ?? position;
      isIdle = false;
      if (data.length > 0) events.push({ body: data, position: id });
    },
    onComment(comment) {
      const end = /^ ?end (\S+)$/.exec(comment.toString('latin1', 0, 300))?.[1];
      if (end === undefined) return;
      position = end;
      isIdle = true;
    },
  });
  for await (const piece of body as AsyncIterable<Buffer>) {
    parser.push(piece);
    yield { events, position, isIdle };
    events = [];
    isIdle = false;
  }
}

/** Room for an event that is too large, so that it is refused by itself. */
const mostStreamEvent = 4 * mostEventBytes;
const nothing = Buffer.alloc(0);
