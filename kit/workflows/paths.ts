/** JSON, as states pass it on. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export type JsonObject = Readonly<Record<string, Json>>;

/**
 * Whether a text is a reference path (Amazon States Language, "Reference Paths"): `$`, `$.order.lines[0]`. It selects one
 * node, so filters, wildcards and `..` are none.
 */
export const isPath = (text: string): boolean => /^\$(?:\.[A-Za-z_]\w*|\[\d{1,4}\])*$/.test(text);

/** Whether it is a reference path whose parts are all names, as a `ResultPath` must be, which is written to. */
export const isResultPath = (text: string): boolean => /^\$(?:\.[A-Za-z_]\w*)*$/.test(text);

/** What states can read of their execution (Amazon States Language, "The Context Object"). */
export interface ContextObject {
  readonly Execution: { readonly Name: string; readonly Input: Json };
  readonly State: { readonly Name: string; readonly RetryCount: number };
  readonly Task: { readonly Token: string };
}

/** The context object's members that definitions may read. */
export const isContextPath = (text: string): boolean =>
  text.startsWith('$$.') &&
  (contextPaths.includes(text) || (text.startsWith('$$.Execution.Input.') && isPath(text.slice(1))));

const contextPaths = [
  '$$.Execution.Name',
  '$$.Execution.Input',
  '$$.State.Name',
  '$$.State.RetryCount',
  '$$.Task.Token',
];

/** A path that leads nowhere. No catcher sees it but one that names it: the definition does not fit its data. */
export class PathFailure extends Error {
  readonly error = 'States.Runtime';
}

/** The node at a path. Throws a {@link PathFailure} where there is none. */
export function readPath(path: string, data: Json): Json {
  const found = find(path, data);
  if (found === undefined) throw new PathFailure(`The path ${path} leads to nothing in the state's data.`);
  return found;
}

/** The same; `undefined` where there is none. */
export function find(path: string, data: Json): Json | undefined {
  let node: Json | undefined = data;
  for (const part of partsOf(path)) {
    const isItem = Array.isArray(node) && /^\d/.test(part);
    if (!(isItem || isObject(node)) || !Object.hasOwn(node as JsonObject, part)) return undefined;
    node = (node as JsonObject)[part];
  }
  return node;
}

/** The data with `value` at a path of names. What is in the way and no object is replaced by one. */
export function writePath(path: string, data: Json, value: Json): Json {
  const write = (node: Json | undefined, [part, ...rest]: readonly string[]): Json => {
    if (part === undefined) return value;
    const parent = isObject(node) ? node : {};
    const child = Object.hasOwn(parent, part) ? parent[part] : undefined;
    // Not a literal with a computed name, which would make a prototype of `__proto__`.
    return Object.fromEntries([...Object.entries(parent), [part, write(child, rest)]]);
  };
  return write(data, partsOf(path));
}

/**
 * A payload template (`Parameters`, `ResultSelector`): members whose names end in `.$` are paths, into the data or, with
 * `$$`, into the context object.
 */
export function fill(template: Json, data: Json, context: ContextObject): Json {
  if (Array.isArray(template)) return template.map((each: Json) => fill(each, data, context));
  if (!isObject(template)) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) => {
      if (!name.endsWith('.$')) return [name, fill(value, data, context)];
      const path = value as string;
      const isOfContext = path.startsWith('$$');
      return [
        name.slice(0, -2),
        isOfContext ? readPath(path.slice(1), context as unknown as Json) : readPath(path, data),
      ];
    }),
  );
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const partsOf = (path: string): string[] => path.match(/\w+/g) ?? [];
