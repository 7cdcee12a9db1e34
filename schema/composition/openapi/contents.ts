import { entries, type Located } from './document';

export const form = 'application/x-www-form-urlencoded';

/** What a body may be: by media types without their parameters, in small letters. */
export const contentsOf = (body: Located): [type: string, Located][] =>
  entries(body, 'content').map(([name, at]) => [name.split(';', 1)[0]!.trim().toLowerCase(), at]);

/** Whether a body is JSON; of a type for any, it can be. */
export const isJson = (type: string): boolean =>
  type === 'application/json' || type.endsWith('+json') || type === '*/*' || type === 'application/*';

export const isText = (type: string): boolean =>
  type.startsWith('text/') && type !== 'text/event-stream' && !type.endsWith('xml');

/** The media types, for messages. */
export const namesOf = (contents: ReturnType<typeof contentsOf>): string =>
  contents
    .slice(0, 5)
    .map(([type]) => `\`${type}\``)
    .join(', ') || 'of no media type';
