import { framedOnce, type Framing, withoutLineBreaks } from './framing';

/**
 * Server-sent events (HTML, section 9.2) as `graphql-sse` has them in its distinct connections mode: `next` with a GraphQL
 * response, and `complete`. The cursor of a part is the `id` of its event, which a browser's `EventSource` sends as
 * `Last-Event-ID` when it comes back.
 *
 * Where the client may come back at once there is `retry`, and no `complete`: `EventSource` and `graphql-sse` then come back by
 * themselves.
 */
export const eventStream: Framing = {
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
