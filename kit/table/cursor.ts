import { createHash } from 'node:crypto';
import { SubgraphError } from '../errors';

/** The position where a page ends: the keys of its last item. */
export type CursorPosition = Readonly<Record<string, string>>;

const version = 1;
const checksumBytes = 9;

/**
 * An opaque cursor for a position. `scope` says in which list it is (table, index, parent, order …): a cursor of
 * another list, or one that was edited, does not read back. That guards against mistakes, not against secrets leaking:
 * the partition that is read is always the one of the query, never one of the cursor.
 */
export function writeCursor(position: CursorPosition, scope: readonly unknown[]): string {
  const payload = Buffer.from(JSON.stringify(position));
  return Buffer.concat([Buffer.of(version), checksum(payload, scope), payload]).toString('base64url');
}

/** The position of a cursor. Throws `INVALID_CURSOR` when the cursor is of another list, or was edited. */
export function readCursor(cursor: string, scope: readonly unknown[]): CursorPosition {
  const bytes = Buffer.from(cursor, 'base64url');
  const payload = bytes.subarray(1 + checksumBytes);
  const genuine =
    bytes[0] === version &&
    bytes.toString('base64url') === cursor &&
    checksum(payload, scope).equals(bytes.subarray(1, 1 + checksumBytes));
  if (!genuine) {
    throw new SubgraphError('INVALID_CURSOR', '`after` must be a cursor of this connection.', {
      argument: 'after',
    });
  }
  return JSON.parse(payload.toString()) as CursorPosition;
}

function checksum(payload: Buffer, scope: readonly unknown[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([version, scope]))
    .update(payload)
    .digest()
    .subarray(0, checksumBytes);
}
