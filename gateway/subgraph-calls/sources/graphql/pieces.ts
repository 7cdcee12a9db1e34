/** JSON that is put together of pieces, of which some come later. */

/** An undefined hole is a member that is left out. */
export type Piece = Buffer | readonly Piece[] | ObjectPiece | Hole;

/** A value that another call answers. */
export class Hole {
  value: Piece | undefined;
}

export class ObjectPiece {
  readonly #members: {
    readonly hasComma: boolean;
    readonly key: Buffer | undefined;
    readonly value: Piece;
  }[] = [];

  /** @param hasComma whether the bytes begin with the comma, where they follow others in their object */
  copy(bytes: Buffer, hasComma: boolean): void {
    if (bytes.length > 0) this.#members.push({ hasComma, key: undefined, value: bytes });
  }

  add(key: string, value: Piece): void {
    this.#members.push({ hasComma: false, key: keyBytes(key), value });
  }

  write(out: Buffer[]): void {
    let isFirst = true;
    out.push(openBrace);
    for (const { hasComma, key, value } of this.#members) {
      if (value instanceof Hole && value.value === undefined) continue;
      if (isFirst && hasComma) out.push((value as Buffer).subarray((value as Buffer).indexOf(0x2c) + 1));
      else {
        if (!isFirst && !hasComma) out.push(comma);
        if (key !== undefined) out.push(key);
        write(value, out);
      }
      isFirst = false;
    }
    out.push(closeBrace);
  }
}

/** Names of fields and aliases: there are few different ones. */
const knownKeys = new Map<string, Buffer>();

function keyBytes(key: string): Buffer {
  let bytes = knownKeys.get(key);
  if (bytes === undefined) {
    if (knownKeys.size === mostKeys) knownKeys.clear();
    knownKeys.set(key, (bytes = Buffer.from(`"${key}":`)));
  }
  return bytes;
}

const mostKeys = 1_000;

/** The JSON of a piece. */
export function jsonOf(piece: Piece): Buffer {
  if (Buffer.isBuffer(piece)) return piece;
  const out: Buffer[] = [];
  write(piece, out);
  return Buffer.concat(out);
}

function write(piece: Piece, out: Buffer[]): void {
  if (Buffer.isBuffer(piece)) out.push(piece);
  else if (piece instanceof ObjectPiece) piece.write(out);
  else if (piece instanceof Hole) write(piece.value ?? nullJson, out);
  else {
    // A list.
    out.push(openBracket);
    piece.forEach((item, i) => {
      if (i > 0) out.push(comma);
      write(item, out);
    });
    out.push(closeBracket);
  }
}

export const nullJson = Buffer.from('null');
const openBrace = Buffer.from('{');
const closeBrace = Buffer.from('}');
const openBracket = Buffer.from('[');
const closeBracket = Buffer.from(']');
const comma = Buffer.from(',');
