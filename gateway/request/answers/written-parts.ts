import type { OperationResult } from '../../cache/responses/response-cache';
import type { FormatError } from './format-error';
import type { IncomingRequest } from '../incoming-request';
import { responseBody } from './response-body';
import type { ResponsePart } from '../sink';

type CodeRecorder = Pick<IncomingRequest, 'noteCode'>;

/** Writes answers in parts. An answer that several clients are given is written once, and all of them get the same bytes. */
export class WrittenParts {
  readonly #formatError: FormatError;
  readonly #written = new WeakMap<OperationResult, WrittenPart>();

  constructor(formatError: FormatError) {
    this.#formatError = formatError;
  }

  /** Notes for the request the codes of the errors in it. */
  write(answered: OperationResult, request: CodeRecorder): ResponsePart {
    let written = this.#written.get(answered);
    if (written === undefined) this.#written.set(answered, (written = this.#write(answered)));
    for (const code of written.codes) request.noteCode(code);
    return written.part;
  }

  #write(answered: OperationResult): WrittenPart {
    const codes: unknown[] = [];
    const notes: CodeRecorder = { noteCode: (code) => void codes.push(code) };
    const body = responseBody(withPosition(answered), this.#formatError, notes);
    return { part: { body, cursor: answered.cursor }, codes };
  }
}

interface WrittenPart {
  readonly part: ResponsePart;
  readonly codes: readonly unknown[];
}

/** With `extensions.weir.cursor`, and `extensions.weir.gap` where events may be missing or may come twice before it. */
function withPosition(answered: OperationResult): OperationResult {
  const { cursor, isAfterGap = false, extensions = {} } = answered;
  if (cursor === undefined && !isAfterGap) return answered;
  const weir = {
    ...(extensions['weir'] as object | undefined),
    ...(cursor !== undefined && { cursor }),
    ...(isAfterGap && { gap: true }),
  };
  return { ...answered, extensions: { ...extensions, weir } };
}
