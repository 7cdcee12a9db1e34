/** Names of GraphQL for what a document names. */

/**
 * A name that GraphQL can have: each other character becomes `_`, a `+` or `-` in front `plus_` or `minus_`. What is
 * legal is not changed.
 */
export function legalName(name: string): string {
  const legal = name
    .replace(/^\+/, 'plus_')
    .replace(/^-/, 'minus_')
    .replace(/[^_0-9A-Za-z]/gu, '_')
    // Names with two underscores in front are those of introspection.
    .replace(/^_{2,}/, '_');
  return /^[0-9]/.test(legal) ? `_${legal}` : legal || 'empty';
}

/** Gives each name once: a number is added to later ones. */
export class Names {
  /** The next number to try. */
  readonly #taken: Map<string, number>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Map(Array.from(taken, (name) => [name, 2]));
  }

  take(name: string): string {
    let free = name;
    let number = this.#taken.get(name) ?? 2;
    const stem = name === '_' ? '' : name;
    while (this.#taken.has(free)) free = `${stem}_${number++}`;
    this.#taken.set(name, number).set(free, this.#taken.get(free) ?? 2);
    return free;
  }
}

/**
 * The names of properties or enum values. Those that are legal keep theirs, wherever they stand.
 *
 * @param taken names that none of them may have
 */
export function uniqueNames(names: readonly string[], taken: readonly string[] = []): Map<string, string> {
  const unique = new Names([...taken, ...names.filter((name) => legalName(name) === name)]);
  const result = new Map<string, string>();
  for (const name of names) {
    const legal = legalName(name);
    result.set(name, legal === name && !taken.includes(name) ? name : unique.take(legal));
  }
  return result;
}

/** A text of GraphQL. A half of a surrogate pair, which GraphQL cannot have, is replaced. */
export const quoted = (text: string): string => JSON.stringify(text.replace(/\p{Surrogate}/gu, '\ufffd'));

/** `@json`, where a name is not that of the document. */
export const jsonName = (name: string, original: string): string =>
  name === original ? '' : ` @json(name: ${quoted(original)})`;
