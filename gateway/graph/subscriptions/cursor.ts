/** Cursors of clients are positions of subgraphs in a form that nobody takes for one. */
export const cursorOf = (position: string): string => Buffer.from(`1 ${position}`).toString('base64url');

/** The position in a cursor; undefined for what is none. */
export function positionIn(cursor: string): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  return text.startsWith('1 ') && cursorOf(text.slice(2)) === cursor ? text.slice(2) : undefined;
}
