import type { MIMEType } from 'node:util';
import { EventStreamParser } from './event-stream-parser';
import { MultipartParser } from './multipart-parser';

/** How a response has events. */
export interface EventFormat {
  /** The media type to ask for. */
  readonly accept: string;
  /** Of a response that has events. @default undefined: none has */
  readonly events?: {
    /** Its media type. */
    readonly essence: string;
    /**
     * @param most bytes of the largest event
     * @throws {SyntaxError} for a response that cannot be read
     */
    parser(type: MIMEType, most: number, listener: EventListener): EventParser;
  };
}

export interface EventParser {
  push(piece: Buffer): void;
}

/** Called with what a response has, in order. */
export interface EventListener {
  /** @param body a GraphQL response */
  onEvent(body: Buffer): void;
  /** The subgraph ends the subscription before its time. @param errors a JSON list */
  onFailure(errors: Buffer): void;
  /** The last part has come. */
  onComplete(): void;
}

export const eventStreamFormat: EventFormat = {
  accept: 'text/event-stream',
  events: {
    essence: 'text/event-stream',
    parser: (_type, most, listener) =>
      new EventStreamParser(most, {
        onEvent: (name, data) => {
          if (name === 'next') listener.onEvent(data);
          else if (name === 'complete') listener.onComplete();
        },
      }),
  },
};

/** Beside parts, JSON: what is refused is answered so. */
export const multipartFormat: EventFormat = {
  accept:
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0, application/graphql-response+json, application/json;q=0.9',
  events: {
    essence: 'multipart/mixed',
    parser: ({ params }, most, listener) => {
      const boundary = params.get('boundary');
      if (boundary === null || boundary === '') throw new SyntaxError('The response has no boundary.');
      return new MultipartParser(boundary, most, listener);
    },
  },
};
