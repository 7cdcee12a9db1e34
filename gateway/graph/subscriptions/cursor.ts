/**
 * Cursors of clients: positions of subgraphs in a form that nobody takes for one, each with the stream that it is one of.
 *
 * @param stream a name without spaces
 */
export const cursorOf = (stream: string, position: string): string =>
  Buffer.from(`1 ${stream} ${position}`).toString('base64url');

/** The position in a cursor; undefined for what is none, or is one of another stream. */
export function positionIn(cursor: string, stream: string): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const position = text.slice(`1 ${stream} `.length);
  return cursorOf(stream, position) === cursor ? position : undefined;
}
