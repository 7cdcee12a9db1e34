import type { OptionsFile } from './file';
import { isMap } from './is-map';
import type { OptionsProblem } from './problem';

/** Where the value of an option comes from. */
export type OptionOrigin =
  | { readonly kind: 'default' }
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly line: number;
      /** Environment variables that are in the value. */
      readonly variables: readonly string[];
      /** Files whose content is in the value. */
      readonly files: readonly string[];
    }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'flag' };

/** Options that environment variables give, by the name of the variable. */
export type VariableOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface OptionInputs {
  readonly file?: { readonly name: string; readonly read: OptionsFile } | undefined;
  readonly defaults: unknown;
  readonly variables: VariableOptions;
  readonly flags: unknown;
}

/** What the options were read from, the later over the earlier: a file, environment variables, flags. */
export class OptionSources {
  readonly #given: OptionInputs;

  constructor(
    given: OptionInputs,
    /** The files that were read for it, apart from the file of options itself. */
    readonly files: readonly string[],
  ) {
    this.#given = given;
  }

  /** The text of the file; undefined without one. */
  get text(): string | undefined {
    return this.#given.file?.read.text;
  }

  /** Whether the file names an option, and has nothing after it. */
  isBlank(path: readonly PropertyKey[]): boolean {
    return this.origin(path).kind === 'file' && this.#given.file?.read.find(path)?.isBlank === true;
  }

  /** The options as they were given, as one map. What is not a map is left as it is, to be refused. */
  merged(): unknown {
    const { file, defaults, variables, flags } = this.#given;
    const under = file === undefined ? {} : file.read.value;
    const given = [under, ...Object.values(variables), flags];
    return isMap(under) ? structuredClone(given.reduce(merge, defaults)) : under;
  }

  /** @param isExact whether a text that is short for the map around it does not count */
  origin(path: readonly PropertyKey[], isExact = false): OptionOrigin {
    const { file, variables, flags } = this.#given;
    if (has(flags, path, isExact)) return { kind: 'flag' };
    const variable = Object.keys(variables).findLast((name) => has(variables[name], path, isExact));
    if (variable !== undefined) return { kind: 'environment', variable };
    const position = file?.read.find(path);
    if (file === undefined || position === undefined || (isExact && position.isShort))
      return { kind: 'default' };
    const { line, taken = { variables: [], files: [] } } = position;
    return { kind: 'file', file: file.name, line, ...taken };
  }

  /** Whether a value is text only because its source knows nothing else: the environment, a file, a flag. */
  isTextOnly(path: readonly PropertyKey[]): boolean {
    const origin = this.origin(path);
    return origin.kind === 'file'
      ? origin.variables.length + origin.files.length > 0
      : origin.kind !== 'default';
  }

  /** A problem with where it is: `weir.yaml:12: …`. What only a flag or a default can have has none. */
  describe({ path, sentence }: OptionsProblem): string {
    if (path === undefined) return sentence;
    const origin = this.origin(path);
    switch (origin.kind) {
      case 'flag':
        return sentence;
      case 'environment':
        return `${origin.variable}: ${sentence}`;
      case 'file': {
        const from = [
          ...origin.variables.map((name) => `\${${name}}`),
          ...origin.files.map((file) => `\${file:${file}}`),
        ];
        const message = from.length === 0 ? sentence : sentence.replace(/\.$/, ` (from ${from.join(', ')}).`);
        return `${origin.file}:${origin.line}: ${message}`;
      }
      case 'default':
        return `${this.#around(path)}${sentence}`;
      default:
        return origin satisfies never;
    }
  }

  /** What is missing is where the map is that should have it. */
  #around(path: readonly PropertyKey[]): string {
    const { file } = this.#given;
    if (file === undefined) return '';
    const outer = path.slice(0, -1);
    // An option that is not in the file has no line.
    if (path.length > 0 && (outer.length === 0 || file.read.find(outer) === undefined)) return '';
    return `${file.name}:${file.read.lineOf(path)}: `;
  }
}

/** Maps are merged key by key; anything else in `over` replaces what is in `under`. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over === undefined ? under : over;
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

function memberOf(map: object, key: PropertyKey): unknown {
  if (Object.hasOwn(map, key)) return (map as Record<PropertyKey, unknown>)[key];
  // Names of headers may be written in any case.
  const name = Object.keys(map).find((each) => each.toLowerCase() === key);
  return name === undefined ? undefined : (map as Record<string, unknown>)[name];
}

/** Whether options have a value there, or one that is short for it. */
function has(options: unknown, path: readonly PropertyKey[], isExact: boolean): boolean {
  let value = options;
  for (const key of path) {
    if (!isMap(value) && !Array.isArray(value)) {
      if (isExact) return false;
      break;
    }
    value = memberOf(value, key);
  }
  return value !== undefined && (!isMap(value) || path.length === 0) && value !== options;
}
