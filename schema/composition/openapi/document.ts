import { Source } from 'graphql';
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from 'yaml';
import { locate, type Problem } from '../problem';

/** A value in a document, and the keys that lead to it. */
export interface Located {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** What prevents an import. */
export class OpenApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** In characters. GitHub's document, one of the largest, has 13 million. */
const longest = 20_000_000;
/** The package `yaml` looks each alias up in all of the document. */
const mostAliases = 1000;
const mostReferences = 100;

/** An OpenAPI document of version 3.0 or 3.1, in JSON or YAML. Its values are read by own keys only. */
export class OpenApiDocument {
  readonly root: Located;
  readonly #source: Source;
  readonly #value: unknown;
  /** With positions; of JSON it is made for the first problem, as that takes seconds for a large document. */
  #yaml: Document | undefined;

  /** @throws {OpenApiError} */
  constructor({ text, file }: { readonly text: string; readonly file: string }) {
    this.#source = new Source(text, file);
    if (text.length > longest)
      throw this.#unreadable(`It has ${text.length} characters; at most ${longest} are read.`);
    this.#value = this.#parse(text);
    this.root = { value: this.#value, path: [] };
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
    if (!isObject(this.#value)) throw this.#unreadable('It is no map with `openapi` and `paths`.');
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

  /** Follows `$ref`s. @throws {OpenApiError} where one leads to nothing, to another file or to itself */
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
  error(message: string, { path }: Located): OpenApiError {
    const problem: Problem = {
      ...{ level: 'error', code: 'OPENAPI_INVALID', message: `${pathText(path)}: ${message}` },
      locations: [locate(this.#source, this.#offset(path))],
    };
    return new OpenApiError(problem);
  }

  #unreadable(message: string, offset?: number): OpenApiError {
    return new OpenApiError({
      level: 'error',
      code: 'OPENAPI_INVALID',
      message: `${this.#source.name} cannot be read: ${message}`,
      locations: offset === undefined ? [] : [locate(this.#source, offset)],
    });
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

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value of a key, or the item of a list. */
export function child({ value, path }: Located, key: string): Located | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  const found = (value as JsonObject)[key];
  return found === undefined ? undefined : { value: found, path: [...path, key] };
}

/** The values of a map, or the items of a list; none of what is not there. */
export const children = (at: Located | undefined): [key: string, Located][] =>
  typeof at?.value === 'object' && at.value !== null
    ? Object.entries(at.value as JsonObject).map(([key, value]) => [key, { value, path: [...at.path, key] }])
    : [];

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

/** A path for messages: `paths./pets/{petId}.get`. */
const pathText = (path: readonly string[]): string => `\`${path.map(shorten).join('.')}\``;

export const shorten = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

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
