import type { Answered } from '../cache/responses/response-cache';
import type { FormatError } from './format-error';
import type { IncomingRequest } from './incoming-request';
import { responseBody } from './response-body';

type Noting = Pick<IncomingRequest, 'noteCode'>;

/** Writes answers in parts. An answer that several clients are given is written once, and all of them get the same bytes. */
export class WrittenParts {
  readonly #formatError: FormatError;
  readonly #written = new WeakMap<Answered, Written>();

  constructor(formatError: FormatError) {
    this.#formatError = formatError;
  }

  /** Notes for the request the codes of the errors in it. */
  write(answered: Answered, request: Noting): Buffer {
    let written = this.#written.get(answered);
    if (written === undefined) this.#written.set(answered, (written = this.#write(answered)));
    for (const code of written.codes) request.noteCode(code);
    return written.body;
  }

  #write(answered: Answered): Written {
    const codes: unknown[] = [];
    const notes: Noting = { noteCode: (code) => void codes.push(code) };
    return { body: responseBody(withPosition(answered), this.#formatError, notes), codes };
  }
}

interface Written {
  readonly body: Buffer;
  readonly codes: readonly unknown[];
}

/** With `extensions.weir.cursor`, and `extensions.weir.gap` where events may be missing or may come twice before it. */
function withPosition(answered: Answered): Answered {
  const { cursor, isAfterGap = false, extensions = {} } = answered;
  if (cursor === undefined && !isAfterGap) return answered;
  const weir = {
    ...(extensions['weir'] as object | undefined),
    ...(cursor !== undefined && { cursor }),
    ...(isAfterGap && { gap: true }),
  };
  return { ...answered, extensions: { ...extensions, weir } };
}
