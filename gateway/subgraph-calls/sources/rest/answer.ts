/** The text of an answer of GraphQL, and of the scalars and enums in it. */
import { type Policy, strictest } from '../../../cache/policy';
import { type ExactJson, numberText, stringText, typeOf, writeExactJson } from '../../../replay/exact-json';
import { isInteger } from '../inputs';

/** What went wrong, without its path. */
export interface Failure {
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>>;
}

type Path = readonly (string | number)[];

/** What has errors and a policy of its own: all root fields, or one entity. */
export class AnswerPart {
  readonly errors: (Failure & { readonly path: Path })[] = [];
  /** @default undefined: it is made without a call */
  policy: Policy | undefined;

  keep(policy: Policy | undefined): void {
    this.policy = policy && this.policy ? strictest(this.policy, policy) : (policy ?? this.policy);
  }
}

/** Text that is written in its order, with holes for what waits for calls. */
export class Answer {
  readonly part: AnswerPart;
  /** Where it is written now. */
  readonly path: (string | number)[];
  text = '';
  readonly #subgraph: string;
  readonly #pieces: (string | Answer)[] = [];

  constructor(subgraph: string, part: AnswerPart, path: Path) {
    this.#subgraph = subgraph;
    this.part = part;
    this.path = [...path];
  }

  /** What is written here later. */
  hole(path: Path = this.path, part = this.part): Answer {
    const hole = new Answer(this.#subgraph, part, path);
    this.#pieces.push(this.text, hole);
    this.text = '';
    return hole;
  }

  /** Writes null, with an error. */
  fail({ message, extensions }: Failure): void {
    this.text += 'null';
    const { errors } = this.part;
    if (errors.length < mostErrors) errors.push({ message, path: [...this.path], extensions });
  }

  mismatch(json: ExactJson, expected: string): void {
    const type = typeOf(json);
    this.malformed(`${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type} in place of ${expected}`);
  }

  /** The message has no value of the source, as values may not be for the client. */
  malformed(what: string): void {
    this.fail(malformed(this.#subgraph, what));
  }

  toString(): string {
    return this.#pieces.join('') + this.text;
  }
}

/** In all of a part: a list may have a million wrong items. */
const mostErrors = 100;

export const malformed = (subgraph: string, what: string): Failure => ({
  message: `Subgraph "${subgraph}" answered with ${what}.`,
  extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' },
});

/** Text of a scalar or enum. Undefined where the type does not have the value. */
export type LeafText = (json: ExactJson) => string | undefined;

/** @param values of an enum: its names by those in the JSON */
export const leafOf = (name: string, values: ReadonlyMap<string, string> | undefined): LeafText =>
  values === undefined
    ? (scalars[name] ?? wholeText)
    : (json) => {
        const value = typeOf(json) === 'string' ? values.get(stringText(json as string)) : undefined;
        return value && `"${value}"`;
      };

const stringOf: LeafText = (json) =>
  typeOf(json) === 'string' ? JSON.stringify(stringText(json as string)) : undefined;

const scalars: Readonly<Record<string, LeafText>> = {
  Int: (json) => {
    const text = integerOf(json);
    return text !== undefined && Math.abs(Number(text) + 0.5) < 2 ** 31 ? text : undefined;
  },
  Long: (json) => integerOf(json),
  Float: (json) =>
    typeOf(json) === 'number' && Number.isFinite(Number(numberText(json))) ? numberText(json) : undefined,
  ID: (json) => {
    const text = integerOf(json);
    return text === undefined ? stringOf(json) : `"${text}"`;
  },
  String: stringOf,
  Boolean: (json) => (typeof json === 'boolean' ? String(json) : undefined),
};

function integerOf(json: ExactJson): string | undefined {
  if (typeOf(json) !== 'number') return undefined;
  const text = numberText(json);
  if (isInteger.test(text)) return text;
  const value = Number(text);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Undefined for what is nested too deep to be written. */
function wholeText(json: ExactJson): string | undefined {
  try {
    return writeExactJson(json);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
