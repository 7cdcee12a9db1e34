import { timingSafeEqual } from 'node:crypto';
import { hmacSha256 } from '../../net/hmac';

/** HMAC-SHA-256 of an ASCII text, in base64. */
export type Mac = (text: string) => string;

/** What cursors are signed with: the first key signs, and any of them verifies. At least one. */
export type CursorKeys = () => readonly Mac[] | Promise<readonly Mac[]>;

/**
 * Cursors of clients: positions of subgraphs in a form that only a gateway with the key can make. A cursor is the base64url
 * of a MAC over the stream and the position, and of the position.
 */
export class Cursors {
  readonly #keys: CursorKeys;

  constructor(keys: CursorKeys) {
    this.#keys = keys;
  }

  /** Undefined for a position over 1024 bytes. @param stream an ASCII text without line feeds */
  async of(stream: string, position: string): Promise<string | undefined> {
    const bytes = Buffer.from(position);
    if (bytes.length > mostOfPosition) return undefined;
    const [key] = await this.#keys();
    return Buffer.concat([macOf(key!, stream, bytes), bytes]).toString('base64url');
  }

  /** The position in a cursor; undefined for what this gateway has not made, or has made for another stream. */
  async positionIn(cursor: string, stream: string): Promise<string | undefined> {
    if (cursor.length > mostOfCursor) return undefined;
    const bytes = Buffer.from(cursor, 'base64url');
    // Other texts have the same bytes, such as those with white space.
    if (bytes.length < macSize || bytes.toString('base64url') !== cursor) return undefined;
    const [mac, position] = [bytes.subarray(0, macSize), bytes.subarray(macSize)];
    const keys = await this.#keys();
    const isOurs = keys.some((key) => timingSafeEqual(mac, macOf(key, stream, position)));
    return isOurs ? position.toString() : undefined;
  }
}

/** A key for cursors. @param secret of other things, too: nothing of it can be learned from cursors */
export const cursorKey = (secret: Mac): Mac => hmacSha256(Buffer.from(secret('weir cursors 1'), 'base64'));

/** The keys of one graph of several: the cursors of another graph are not valid for it. */
export const keysOfGraph =
  (keys: CursorKeys, graph: string): CursorKeys =>
  async () =>
    (await keys()).map((key) => hmacSha256(Buffer.from(key(`weir graph ${graph}`), 'base64')));

const macOf = (key: Mac, stream: string, position: Buffer): Buffer =>
  Buffer.from(key(`${stream}\n${position.toString('base64url')}`), 'base64').subarray(0, macSize);

/** Bytes: half of HMAC-SHA-256, as RFC 2104, section 5, allows. */
const macSize = 16;
const mostOfPosition = 1024;
const mostOfCursor = Math.ceil(((macSize + mostOfPosition) * 4) / 3);
