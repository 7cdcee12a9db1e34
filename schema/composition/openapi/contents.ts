import { child, children, type Located } from './document';

/** What a body may be of one media type. */
interface Content {
  /** Without its parameters, in small letters. */
  readonly type: string;
  readonly at: Located;
}

export const form = 'application/x-www-form-urlencoded';

/** The contents of a request's or response's body. */
export const contentsOf = (body: Located): Content[] =>
  children(child(body, 'content')).map(([name, at]) => ({
    type: name.split(';', 1)[0]!.trim().toLowerCase(),
    at,
  }));

/** Whether a body is JSON; of a type for any, it can be. */
export const isJson = (type: string): boolean =>
  type === 'application/json' || type.endsWith('+json') || type === '*/*' || type === 'application/*';

export const isText = (type: string): boolean =>
  type.startsWith('text/') && type !== 'text/event-stream' && !type.endsWith('xml');

/** The media types, for messages. */
export const namesOf = (contents: readonly Content[]): string =>
  contents.length === 0
    ? 'of no media type'
    : contents
        .slice(0, 5)
        .map(({ type }) => `\`${type}\``)
        .join(', ');
