import { rememberFacts } from '../limits/repeated-variables';
import { isMap } from '../options/is-map';
import { parseBody, type SentOperation } from './parsed-request';

/**
 * Bodies that came more than once, with what they hold: equal requests come together, as many clients show the same page, or
 * subscribe again after a break. Who gets it must not change it: others get the same object.
 */
export class RepeatedBodies {
  readonly #known: (RepeatedBody | undefined)[] = Array.from({ length: most });
  /** Those that came once, the last ones. */
  readonly #once: (Buffer | undefined)[] = Array.from({ length: mostOnce });

  /** Does what `parseBody` does. */
  parse(body: Buffer): SentOperation | readonly unknown[] {
    if (body.length > longest || body.length < shortest) return parseBody(body, false);
    const mark = markOf(body);
    const at = (mark ^ (mark >>> 16)) & (most - 1);
    const known = this.#known[at];
    if (known?.body.equals(body) === true) return known.sent;
    const sent = parseBody(body, false);
    const near = at & (mostOnce - 1);
    if (this.#once[near]?.equals(body) !== true) this.#once[near] = body;
    else if (isMap(sent)) this.#keep(at, body, sent);
    return sent;
  }

  #keep(at: number, body: Buffer, sent: SentOperation): void {
    if (isMap(sent.variables)) rememberFacts(sent.variables);
    // A copy, as the bytes that a connection has read may be a thousand times as many.
    this.#known[at] = { body: Buffer.from(body), sent };
  }
}

interface RepeatedBody {
  readonly body: Buffer;
  readonly sent: SentOperation;
}

/** Powers of two. Each of those that came once may hold all that its connection has read: 64 KiB. */
const most = 64;
const mostOnce = 8;
/** Bytes. */
const shortest = 24;
const longest = 8192;

/** A number that is mostly another one for another body: of its length and its end, where mostly the variables are. */
function markOf(body: Buffer): number {
  const { length } = body;
  let mark = length;
  for (let at = length - shortest; at < length; at += 4) mark = Math.imul(mark, 31) ^ body.readInt32LE(at);
  return mark ^ body.readInt32LE(length >> 1);
}
