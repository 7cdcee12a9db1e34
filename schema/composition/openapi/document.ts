import { Source } from 'graphql';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { locate, type Problem } from '../problem';
import { SupergraphConfigError } from '../supergraph-config';

/** A value in a document, and the keys that lead to it. */
export interface Located {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** What else one should know of an import. */
export interface Note {
  readonly message: string;
  /** Of which types, fields and arguments: `Pet.tag`, `Query.getPet.filter`. */
  readonly coordinates: readonly string[];
}

/** In characters. GitHub's document, one of the largest, has 13 million. */
const longest = 20_000_000;
/** The package `yaml` looks each alias up in all of the document. */
const mostAliases = 1000;
const mostReferences = 100;

/**
 * An OpenAPI document of version 3.0 or 3.1, in JSON or YAML, and what is found while it is read. Its values are read by own
 * keys only.
 */
export class OpenApiDocument {
  readonly root: Located;
  readonly problems: Problem[] = [];
  readonly #notes = new Map<string, Set<string>>();
  readonly #source: Source;
  /** With positions; of JSON it is made for the first problem, as that takes seconds for a large document. */
  #yaml: Document | undefined;

  /** @throws {SupergraphConfigError} */
  constructor(
    { text, file }: { readonly text: string; readonly file: string },
    readonly subgraph?: string,
  ) {
    this.#source = new Source(text, file);
    if (text.length > longest)
      throw this.#unreadable(`It has ${text.length} characters; at most ${longest} are read.`);
    this.root = { value: this.#parse(text), path: [] };
    this.#checkVersion();
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      // YAML of a JSON document takes 50 times as long, only to say the same.
      if (/^\s*[{[]/.test(text.slice(0, 1000)) && text.length > 1_000_000)
        throw this.#unreadable(`It is no JSON: ${(error as Error).message}.`);
    }
    const document = parse(text);
    const [first] = document.errors;
    if (first !== undefined) throw this.#unreadable(`${first.message}.`, first.pos[0]);
    this.#yaml = document;
    let aliases = 0;
    visit(document, { Alias: () => (++aliases > mostAliases ? visit.BREAK : undefined) });
    if (aliases > mostAliases) throw this.#unreadable(`It has more than ${mostAliases} aliases (\`*name\`).`);
    try {
      return document.toJS({ maxAliasCount: -1 });
    } catch (error) {
      throw this.#unreadable(`${(error as Error).message}.`);
    }
  }

  #checkVersion(): void {
    if (!isObject(this.root.value)) throw this.#unreadable('It is no map with `openapi` and `paths`.');
    const swagger = child(this.root, 'swagger');
    if (swagger !== undefined)
      throw this.error(
        `It is of Swagger ${String(swagger.value)}; OpenAPI 3.0 and 3.1 are read: convert it, for example with \`npx swagger2openapi\`.`,
        swagger,
      );
    const version = child(this.root, 'openapi');
    if (version === undefined) throw this.#unreadable('It has no `openapi`, the version of OpenAPI.');
    if (!/^3\.[01](\.|$)/.test(String(version.value)))
      throw this.error(`It is of OpenAPI ${String(version.value)}; 3.0 and 3.1 are read.`, version);
  }

  /** Whether schemas may have what 3.0 does not know: keys beside `$ref`. */
  get isNew(): boolean {
    return String(child(this.root, 'openapi')?.value).startsWith('3.1');
  }

  /** Reads a part; what prevents it is added to `problems`. */
  attempt<Result>(read: () => Result): Result | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SupergraphConfigError)) throw error;
      this.problems.push(...error.problems);
      return undefined;
    }
  }

  /** Equal notes are one, of all that they are of. */
  note(message: string, coordinate: string): void {
    this.#notes.set(message, (this.#notes.get(message) ?? new Set()).add(coordinate));
  }

  notes(): Note[] {
    return Array.from(this.#notes, ([message, coordinates]) => ({ message, coordinates: [...coordinates] }));
  }

  /** Follows `$ref`s. @throws {SupergraphConfigError} where one leads to nothing, to another file or to itself */
  resolve(from: Located): Located {
    let at = from;
    for (let count = 0; ; count += 1) {
      const reference = child(at, '$ref');
      if (reference === undefined) return at;
      if (count === mostReferences) throw this.error('This `$ref` leads to itself.', reference);
      at = this.#target(reference);
    }
  }

  #target(reference: Located): Located {
    const { value } = reference;
    if (typeof value !== 'string') throw this.error('`$ref` must be text.', reference);
    if (!value.startsWith('#'))
      throw this.error(
        `\`$ref: ${shorten(value)}\` is in another file; only \`#/…\` is read: bundle the document, for example with \`npx @redocly/cli bundle\`.`,
        reference,
      );
    let target: Located | undefined = value === '#' || value.startsWith('#/') ? this.root : undefined;
    for (const part of value.split('/').slice(1)) target = target && child(target, unescape(part));
    if (target === undefined) throw this.error(`\`$ref: ${shorten(value)}\` leads to nothing.`, reference);
    return target;
  }

  /** What is wrong, and where it stands. */
  error(message: string, { path }: Located): SupergraphConfigError {
    return this.#error(`\`${path.map(shorten).join('.')}\`: ${message}`, this.#offset(path));
  }

  #unreadable(message: string, offset?: number): SupergraphConfigError {
    return this.#error(`${this.#source.name} cannot be read: ${message}`, offset);
  }

  #error(message: string, offset?: number): SupergraphConfigError {
    const locations = offset === undefined ? [] : [locate(this.#source, offset, this.subgraph)];
    return new SupergraphConfigError([{ level: 'error', code: 'OPENAPI_INVALID', message, locations }]);
  }

  /** Where the value at `path` begins; of what is reached by an alias, where the alias stands. */
  #offset(path: readonly string[]): number {
    let at: unknown = (this.#yaml ??= parse(this.#source.body)).contents;
    let offset = 0;
    for (const key of path) {
      if (isAlias(at)) break;
      if (isMap(at)) {
        const pair = at.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
        if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
        at = pair?.value;
      } else if (isSeq(at)) {
        at = at.items[Number(key)];
        if (isNode(at)) offset = at.range?.[0] ?? offset;
      }
    }
    return offset;
  }
}

/** Maps are not searched for equal keys: the last one counts, as in JSON. */
const parse = (text: string): Document =>
  parseDocument(text, { prettyErrors: false, uniqueKeys: false, schema: 'core', logLevel: 'error' });

type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value of a key, or the item of a list. */
export function child({ value, path }: Located, key: string): Located | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  const found = (value as JsonObject)[key];
  return found === undefined ? undefined : { value: found, path: [...path, key] };
}

/** The values of a map, or the items of a list; none where it is not there. */
export function entries(parent: Located, key: string): [key: string, Located][] {
  const at = child(parent, key);
  if (typeof at?.value !== 'object' || at.value === null) return [];
  return Object.entries(at.value as JsonObject).map(([name, value]) => [
    name,
    { value, path: [...at.path, name] },
  ]);
}

export const items = (parent: Located, key: string): Located[] =>
  entries(parent, key).map(([, each]) => each);

/** The text of a key. */
export function textAt(at: Located, key: string): string | undefined {
  const value = child(at, key)?.value;
  return typeof value === 'string' ? value : undefined;
}

/** The schema of a parameter or content; without one, it is anything. */
export const schemaOf = (at: Located): Located =>
  child(at, 'schema') ?? { value: {}, path: [...at.path, 'schema'] };

/** Whether a key is `true`. */
export const isTrue = (at: Located, key: string): boolean => child(at, key)?.value === true;

const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/** A part of a JSON pointer (RFC 6901) in a fragment. */
function unescape(part: string): string {
  let decoded = part;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    // A `%` that is no escape stands for itself.
  }
  return decoded.replaceAll('~1', '/').replaceAll('~0', '~');
}
