import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Client } from './in-process-client';
import type { ReadParts } from './read-parts';

/** What a client over HTTP names in `Accept`, and how it reads that. */
export interface Protocol {
  readonly accept: string;
  readonly read: ReadParts;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readable;
}

export const headersOf = ({ accept }: Protocol, takesParts: boolean) => ({
  accept: takesParts ? accept : '*/*',
});

/** Reads an answer as its client does. */
export function clientOf(answer: Promise<HttpAnswer>, { read }: Protocol, leave: () => void): Client {
  answer.catch(() => undefined);
  let parts: AsyncIterator<string> | undefined;
  return {
    head: answer,
    text: async () => text((await answer).body),
    part: async () => {
      if (parts === undefined) {
        const { headers, body } = await answer;
        parts = read(headers.get('content-type')!, body);
      }
      const { done, value } = await parts.next();
      return done === true ? undefined : value;
    },
    leave,
  };
}
