/**
 * The scalar FieldSelectionMap of the GraphQL Federation specification, appendix A: which fields of an output value an input
 * value is made of.
 */
export type SelectionMap = PathMap | ObjectMap | ListMap | ChoiceMap;

/** `book.title`. */
export interface PathMap {
  readonly kind: 'path';
  readonly path: Path;
}

/** `dimension.{ width height }`; the path may be empty. */
export interface ObjectMap {
  readonly kind: 'object';
  readonly path: Path;
  readonly fields: readonly { readonly name: string; readonly value: SelectionMap }[];
}

/** `parts[id]`; the path may be empty. */
export interface ListMap {
  readonly kind: 'list';
  readonly path: Path;
  readonly item: SelectionMap;
}

/** `<Book>.title | <Movie>.movieTitle`. */
export interface ChoiceMap {
  readonly kind: 'choice';
  readonly of: readonly Exclude<SelectionMap, ChoiceMap>[];
}

export type Path = readonly PathStep[];

/** A field, or a condition on the type of the value that the steps before it select. */
export interface PathStep {
  readonly kind: 'field' | 'type';
  readonly name: string;
}

/** Deeper texts are refused: parser, checks and evaluation recurse by brackets. */
const deepest = 32;

/** @throws {SyntaxError} that names the character, counted from 1 */
export const parseSelectionMap = (text: string): SelectionMap => new Parser(text).parse();

class Parser {
  readonly #tokens: Iterator<RegExpExecArray, undefined>;
  #token = '';
  /** Where the token begins. */
  #offset = 0;
  #depth = 0;

  constructor(readonly text: string) {
    // Commas are blank, as in GraphQL.
    this.#tokens = text.matchAll(/[_A-Za-z]\w*|[^\s,]/gu);
    this.#advance();
  }

  parse(): SelectionMap {
    const map = this.#value();
    if (this.#token !== '') throw this.#unexpected('the end');
    return map;
  }

  #value(): SelectionMap {
    const of = [this.#alternative()];
    while (this.#accept('|')) of.push(this.#alternative());
    return of.length === 1 ? of[0]! : { kind: 'choice', of };
  }

  #alternative(): ChoiceMap['of'][number] {
    const path: PathStep[] = [];
    if (this.#token === '<') this.#type(path);
    for (;;) {
      if (this.#token === '{') return this.#nested(() => this.#object(path));
      if (this.#token === '[' && path.length === 0) return this.#nested(() => this.#list(path));
      path.push({ kind: 'field', name: this.#name() });
      if (path.length > deepest) throw new SyntaxError(`A path must have ${deepest} steps at most.`);
      if (this.#token === '[') return this.#nested(() => this.#list(path));
      if (this.#token === '<') this.#type(path);
      else if (!this.#accept('.')) return { kind: 'path', path };
    }
  }

  /** `<Book>.`: a path never ends with a type. */
  #type(path: PathStep[]): void {
    this.#expect('<');
    path.push({ kind: 'type', name: this.#name() });
    this.#expect('>');
    this.#expect('.');
  }

  #object(path: Path): ObjectMap {
    this.#expect('{');
    const fields: { name: string; value: SelectionMap }[] = [];
    do {
      const name = this.#name();
      const value: SelectionMap = this.#accept(':')
        ? this.#value()
        : { kind: 'path', path: [{ kind: 'field', name }] };
      fields.push({ name, value });
    } while (!this.#accept('}'));
    return { kind: 'object', path, fields };
  }

  #list(path: Path): ListMap {
    this.#expect('[');
    const item = this.#value();
    this.#expect(']');
    return { kind: 'list', path, item };
  }

  #nested<Map>(parse: () => Map): Map {
    if (++this.#depth > deepest)
      throw new SyntaxError(`A selection map must not nest more than ${deepest} levels deep.`);
    const map = parse();
    this.#depth--;
    return map;
  }

  #name(): string {
    if (!/^[_A-Za-z]/.test(this.#token)) throw this.#unexpected('a name');
    return this.#advance();
  }

  #accept(token: string): boolean {
    if (this.#token !== token) return false;
    this.#advance();
    return true;
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw this.#unexpected(`\`${token}\``);
  }

  /** Returns the token before. */
  #advance(): string {
    const before = this.#token;
    const next = this.#tokens.next().value;
    this.#token = next?.[0] ?? '';
    this.#offset = next?.index ?? this.text.length;
    return before;
  }

  #unexpected(expected: string): SyntaxError {
    const got = this.#token === '' ? 'the end' : `\`${this.#token}\``;
    return new SyntaxError(`Expected ${expected}, but got: ${got} (character ${this.#offset + 1}).`);
  }
}

/** Makes an input value of an output value. Undefined where conditions on types do not hold. */
export type Evaluate = (value: unknown) => unknown;

/**
 * Compiles a map. Where fields are missing or null, the input is null; of alternatives the first one counts whose fields
 * are all there.
 *
 * @param isOf whether an object with this `__typename` is of a type @default whether the names are equal
 */
export function compileSelectionMap(
  map: SelectionMap,
  isOf: (typename: unknown, type: string) => boolean = (typename, type) => typename === type,
): Evaluate {
  if (map.kind === 'choice') {
    const alternatives = map.of.map((each) => compileSelectionMap(each, isOf));
    return (value) => {
      let made: unknown;
      for (const alternative of alternatives) {
        const one = alternative(value);
        if (isComplete(one)) return one;
        made = made === undefined ? one : made;
      }
      return made;
    };
  }
  const walk = walkOf(map.path, isOf);
  if (map.kind === 'path') return walk;
  if (map.kind === 'list') {
    const item = compileSelectionMap(map.item, isOf);
    return (value) => {
      const items = walk(value);
      return Array.isArray(items) ? items.map((each: unknown) => item(each) ?? null) : items && null;
    };
  }
  const fields = map.fields.map(({ name, value }) => [name, compileSelectionMap(value, isOf)] as const);
  return (value) => {
    const scope = walk(value);
    if (scope === undefined || scope === null) return scope;
    const made: (readonly [name: string, value: unknown])[] = [];
    for (const [name, evaluate] of fields) {
      const one = evaluate(scope);
      if (one === undefined) return undefined;
      made.push([name, one]);
    }
    return Object.fromEntries(made);
  };
}

const isComplete = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  (typeof value !== 'object' || !Object.values(value).includes(null));

function walkOf(path: Path, isOf: (typename: unknown, type: string) => boolean): Evaluate {
  return (value) => {
    let at = value;
    for (const { kind, name } of path) {
      if (at === undefined || at === null) return at;
      if (typeof at !== 'object') return null;
      const object = at as Readonly<Record<string, unknown>>;
      if (kind === 'field') at = Object.hasOwn(object, name) ? (object[name] ?? null) : null;
      else if (!isOf(object['__typename'], name)) return undefined;
    }
    return at;
  };
}

/** The fields of an object that a map begins with. */
export function firstFieldsOf(map: SelectionMap): string[] {
  if (map.kind === 'choice') return map.of.flatMap(firstFieldsOf);
  const first = map.path.find(({ kind }) => kind === 'field');
  if (first !== undefined || map.kind === 'path') return first === undefined ? [] : [first.name];
  return map.kind === 'list'
    ? firstFieldsOf(map.item)
    : map.fields.flatMap(({ value }) => firstFieldsOf(value));
}

/** The fields that a link has of its object. */
export function derivedNames(map: SelectionMap): string[] {
  if (map.kind === 'list') return derivedNames(map.item);
  return map.kind === 'object' ? map.fields.map(({ name }) => name) : [];
}

type Selected = Map<string, Selected>;

/** What must be selected for maps, in the notation of Federation's field sets: `id organization { id }`. */
export function fieldSetOf(maps: Iterable<SelectionMap>): string {
  const root: Selected = new Map();
  for (const map of maps) select(map, root);
  return print(root);
}

/** A field set of fields, each given as a path. */
export const fieldSetOfPaths = (paths: readonly (readonly string[])[]): string =>
  fieldSetOf(paths.map((path) => ({ kind: 'path', path: path.map((name) => ({ kind: 'field', name })) })));

function select(map: SelectionMap, into: Selected): void {
  if (map.kind === 'choice') {
    for (const each of map.of) select(each, into);
    return;
  }
  let scope = into;
  for (const { kind, name } of map.path) {
    const key = kind === 'field' ? name : `... on ${name}`;
    let below = scope.get(key);
    if (below === undefined) scope.set(key, (below = new Map()));
    scope = below;
  }
  if (map.kind === 'list') select(map.item, scope);
  else if (map.kind === 'object') for (const { value } of map.fields) select(value, scope);
}

const print = (selected: Selected): string =>
  Array.from(selected, ([name, below]) => (below.size === 0 ? name : `${name} { ${print(below)} }`)).join(
    ' ',
  );
