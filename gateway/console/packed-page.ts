import { createHash } from 'node:crypto';
import { isMatch } from '../cache/responses/answer-headers';
import { acceptedEncodings, type Encoding, pack } from '../cache/responses/packed-bodies';
import type { RequestHead } from '../request/incoming-request';

/** A page for a browser, with its headers: names and values in turn. */
export interface Page {
  readonly status: 200 | 304 | 400;
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

/** A large constant page. It is compressed once, and not sent again to a browser that has it. */
export class PackedPage {
  readonly #headers: readonly string[];
  readonly #etag: string;
  readonly #body: Buffer;
  readonly #packed = new Map<Encoding, Promise<Buffer>>();

  constructor(headers: readonly string[], body: Buffer) {
    const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    this.#headers = [...headers, 'cache-control', 'no-cache', 'etag', etag, 'vary', 'accept-encoding'];
    this.#etag = etag;
    this.#body = body;
  }

  async answer({ headers }: RequestHead): Promise<Page> {
    if (isMatch(headers['if-none-match'], this.#etag))
      return { status: 304, headers: this.#headers, body: undefined };
    const [encoding] = acceptedEncodings(headers['accept-encoding'] ?? '');
    if (encoding === undefined) return { status: 200, headers: this.#headers, body: this.#body };
    let packed = this.#packed.get(encoding);
    if (packed === undefined) this.#packed.set(encoding, (packed = pack[encoding](this.#body)));
    return {
      status: 200,
      headers: [...this.#headers, 'content-encoding', encoding],
      body: await packed,
    };
  }
}
