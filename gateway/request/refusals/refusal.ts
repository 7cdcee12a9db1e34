/** Why a request, or an operation in it, was refused. Nothing in it is a value of the client. */
export interface Refusal {
  readonly code: string;
  /** The rule of validation that the document breaks, such as `FieldsOnCorrectType`. */
  readonly rule?: string;
  readonly message: string;
  /** What the document requests, such as `Product.averageRating` or `Query.products(first:)`. */
  readonly coordinate?: string;
  /** The position in the document, from 1. */
  readonly line?: number;
  readonly column?: number;
}

/** An operation that was refused before it could be known. */
export interface RefusedOperation {
  /** SHA-256 of the document, in hex. */
  readonly id: string;
  readonly name: string | null;
  /** Empty where the document was not parsed. */
  readonly type: string;
  /** The text, where it was parsed and has at most {@link longestDocument} characters. */
  readonly document?: string | undefined;
}

export const mostRefusals = 5;

/** Characters of a document that is kept. Others are recorded without their text. */
export const longestDocument = 16_384;

/** A name of the schema or of a document, of bounded length. */
export const shortened = (name: string): string =>
  name.length <= longestName ? name : `${name.slice(0, longestName)}…`;

const longestName = 64;
