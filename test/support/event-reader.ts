import { createParser } from 'eventsource-parser';
import { type DomainEvent } from '../../kit';

/** A reader of `GET /events`. */
export interface EventReader {
  readonly status: number;
  /** The body of an answer that is no stream. */
  readonly body: string;
  /** The next events. */
  take(count: number): Promise<DomainEvent[]>;
  /** The position that was reached, once the reader is at the end of the log. */
  end(): Promise<string>;
  /** Resolves when the stream has ended, to what came last. */
  ended(): Promise<string>;
  close(): void;
}

/** Opens a reader at a subgraph, given by the URL of its calls. */
export async function readEvents(
  url: string,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(new URL(`/events${query}`, url), { headers, signal: controller.signal });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const events: DomainEvent[] = [];
  const ends: string[] = [];
  let last = '';
  let hasEnded = false;
  let wake = (): void => undefined;

  async function read(): Promise<void> {
    const parser = createParser({
      onEvent: ({ data, id }) => {
        const event = JSON.parse(data) as DomainEvent;
        events.push(event);
        if (id === undefined) throw new Error('The event has no position.');
      },
      onComment: (comment) => ends.push(comment.replace(/^ ?end /, '')),
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      last = decoder.decode(chunk as Uint8Array, { stream: true });
      parser.feed(last);
      wake();
    }
  }
  const reading = isStream
    ? read()
        .catch(() => undefined)
        .finally(() => {
          hasEnded = true;
          wake();
        })
    : undefined;

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (hasEnded) throw new Error(`The stream has ended. The last of it: ${last}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    status: response.status,
    body: isStream ? '' : await response.text(),
    async take(count) {
      await until(() => events.length >= count);
      return events.splice(0, count);
    },
    async end() {
      await until(() => ends.length > 0);
      return ends.splice(0).at(-1)!;
    },
    async ended() {
      await reading;
      return last;
    },
    close: () => controller.abort(),
  };
}
