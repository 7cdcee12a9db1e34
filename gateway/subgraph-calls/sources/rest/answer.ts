/** The text of an answer of GraphQL. */
import { type Policy, strictest } from '../../../cache/policy';
import { type ExactJson, typeOf } from '../../../replay/exact-json';

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
