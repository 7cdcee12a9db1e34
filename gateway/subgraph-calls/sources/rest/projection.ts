/** Writes the selected fields of a source's JSON as an answer of GraphQL. */
import { Kind, type TypeNode } from 'graphql';
import { firstFieldsOf } from '../../../../schema/supergraph/sources/selection-map';
import type { SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  type ExactObject,
  numberText,
  stringText,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';
import { isInteger } from './inputs';
import type { Names, RestSource } from './rest-source';
import type { SelectedField, Selection } from './selections';

/** What went wrong, without its path. */
export interface Failure {
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>>;
}

export interface LocatedFailure extends Failure {
  readonly path: readonly (string | number)[];
}

/** A position in an answer. */
export interface Position {
  readonly before: Position | undefined;
  readonly key: string | number;
}

/** Answers a field with `@from`: calls the source, and writes the answer. @param scope the values that it needs */
export type CallFrom = (
  selected: SelectedField,
  scope: ExactObject,
  at: Position,
  answer: Projection,
) => Promise<void>;

interface ProjectionOptions {
  readonly source: RestSource;
  readonly subgraph: string;
  readonly callFrom: CallFrom;
  readonly errors: LocatedFailure[];
}

/** One answer, written in the order of its fields. */
export class Projection {
  readonly #options: ProjectionOptions;
  /** What is written; promises of what is still to be called. */
  readonly #pieces: Promise<string>[] = [];
  #text = '';

  constructor(options: ProjectionOptions) {
    this.#options = options;
  }

  /** The JSON, when all calls are answered. */
  async done(): Promise<string> {
    return `${(await Promise.all(this.#pieces)).join('')}${this.#text}`;
  }

  /** Writes null, with an error. */
  fail({ message, extensions }: Failure, at: Position): void {
    this.#text += 'null';
    const { errors } = this.#options;
    if (errors.length < mostErrors) errors.push({ message, path: pathOf(at), extensions });
  }

  text(text: string): void {
    this.#text += text;
  }

  value(json: ExactJson, type: TypeNode, selection: Selection, at: Position, names: Names): void {
    if (json === null) this.#text += 'null';
    else if (type.kind === Kind.NON_NULL_TYPE) this.value(json, type.type, selection, at, names);
    else if (type.kind === Kind.LIST_TYPE) {
      if (!Array.isArray(json)) {
        this.#mismatch(json, 'a list', at);
        return;
      }
      this.#text += '[';
      json.forEach((each: ExactJson, key) => {
        if (key > 0) this.#text += ',';
        this.value(each, type.type, selection, { before: at, key }, names);
      });
      this.#text += ']';
    } else this.#named(json, type.name.value, selection, at, names);
  }

  #named(json: ExactJson, name: string, selection: Selection, at: Position, names: Names): void {
    const { source } = this.#options;
    if (!source.schema.types.has(name)) {
      this.#leaf(json, name, at, names);
      return;
    }
    if (typeOf(json) !== 'object') {
      this.#mismatch(json, 'an object', at);
      return;
    }
    const type = source.typeOf(json as ExactObject, name, names);
    if (type === undefined)
      this.#malformed(`an object of which nothing says which type of \`${name}\` it is`, at);
    else this.object(json as ExactObject, type, selection, at, names);
  }

  /** @param base further values of the object, with names of the graph */
  object(
    json: ExactObject,
    type: SourceType,
    selection: Selection,
    at: Position | undefined,
    names: Names,
    base: ExactObject = {},
  ): void {
    let separator = '{';
    for (const selected of selection.fieldsOf(type)) {
      const { key, field, selection: below } = selected;
      this.#text += `${separator}"${key}":`;
      separator = ',';
      const here = { before: at, key };
      if (selected.node.name.value === '__typename') this.#text += `"${type.graphName}"`;
      else if (field === undefined) this.#malformed('an object of a type that lacks the field', here);
      else if (field.from !== undefined || field.derived !== undefined) {
        const own = names === 'graph' ? json : this.#options.source.toGraph(json, type, needsOf(field));
        const scope = { ...own, ...base };
        if (field.derived === undefined) this.#call(selected, scope, here);
        else {
          const link = this.#options.source.evaluate(field.derived, scope) ?? null;
          this.value(withoutIncomplete(link), field.type, below, here, 'graph');
        }
      } else {
        const name = names === 'graph' ? field.name : field.jsonName;
        this.value(Object.hasOwn(json, name) ? json[name]! : null, field.type, below, here, names);
      }
    }
    this.#text += separator === '{' ? '{}' : '}';
  }

  #call(selected: SelectedField, scope: ExactObject, at: Position): void {
    const answer = new Projection(this.#options);
    this.#pieces.push(
      Promise.resolve(this.#text),
      this.#options.callFrom(selected, scope, at, answer).then(() => answer.done()),
    );
    this.#text = '';
  }

  #leaf(json: ExactJson, name: string, at: Position, names: Names): void {
    const value = this.#options.source.enumValue(name, json, names);
    if (value === undefined) this.#malformed(`a value that \`${name}\` does not have`, at);
    else if (value !== null) this.#text += `"${value}"`;
    else {
      const text = leafText(json, name);
      if (text === undefined) this.#mismatch(json, `a value of \`${name}\``, at);
      else this.#text += text;
    }
  }

  #mismatch(json: ExactJson, expected: string, at: Position): void {
    this.#malformed(`${articleOf(typeOf(json))} in place of ${expected}`, at);
  }

  /** The message has no value of the source, as values may not be for the client. */
  #malformed(what: string, at: Position): void {
    this.fail(malformed(this.#options.subgraph, what), at);
  }
}

/** The fields of an object that a field with `@derive` or `@from` is made of. */
export const needsOf = ({ derived, arguments: args }: SourceField): ReadonlySet<string> =>
  new Set(
    (derived ? [derived] : Array.from(args.values(), ({ require }) => require ?? []).flat()).flatMap(
      firstFieldsOf,
    ),
  );

/** In all of an answer: a list may have a million wrong items. */
const mostErrors = 100;

export const malformed = (subgraph: string, what: string): Failure => ({
  message: `Subgraph "${subgraph}" answered with ${what}.`,
  extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE' },
});

const articleOf = (type: string): string => `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;

export function pathOf(at: Position): (string | number)[] {
  const path: (string | number)[] = [];
  for (let each: Position | undefined = at; each !== undefined; each = each.before) path.push(each.key);
  return path.reverse();
}

/** A link whose key is not complete is none. */
function withoutIncomplete(link: ExactJson): ExactJson {
  if (Array.isArray(link)) return link.map(withoutIncomplete);
  if (typeOf(link) !== 'object') return link;
  return Object.values(link as ExactObject).some((each) => withoutIncomplete(each) === null) ? null : link;
}

/** The JSON of a scalar; undefined where the type does not have the value. */
function leafText(json: ExactJson, name: string): string | undefined {
  const kind = typeOf(json);
  switch (name) {
    case 'Int':
    case 'Long': {
      const text = kind === 'number' ? integerText(json) : undefined;
      return name === 'Int' && text !== undefined && Math.abs(Number(text) + 0.5) > 2 ** 31
        ? undefined
        : text;
    }
    case 'Float':
      return kind === 'number' && Number.isFinite(Number(numberText(json))) ? numberText(json) : undefined;
    case 'ID':
      if (kind === 'number') return integerText(json) && `"${integerText(json)}"`;
      return kind === 'string' ? writeExactJson(json) : undefined;
    case 'String':
      return kind === 'string' ? JSON.stringify(stringText(json as string)) : undefined;
    case 'Boolean':
      return kind === 'boolean' ? writeExactJson(json) : undefined;
    default:
      return wholeText(json);
  }
}

function integerText(json: ExactJson): string | undefined {
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
