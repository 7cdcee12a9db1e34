/** Finds entities by the lookups of a source. */
import {
  type ExactJson,
  type ExactObject,
  numberText,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';
import { malformed } from './answer';
import { type CallAnswer, type Calls, failed, type Take } from './calls';
import type { Arguments } from '../inputs';
import type { EntityLookup, RestSource } from './rest-source';

/** An entity to look up. */
export interface Wanted {
  /** Its values, by the names of the graph. */
  readonly representation: ExactObject;
  /** Takes the JSON of the entity; null where it does not exist. */
  readonly take: Take;
}

/** Those who want one entity. */
interface Sought {
  readonly lookup: EntityLookup;
  readonly args: Arguments;
  /** Equal for equal keys. */
  readonly key: string;
  readonly wanted: Wanted[];
}

/** Looks entities up: several by a list lookup where there is one, else each different one. */
export class EntityFinder {
  readonly #source: RestSource;
  readonly #calls: Calls;

  constructor(source: RestSource, calls: Calls) {
    this.#source = source;
    this.#calls = calls;
  }

  find(all: readonly Wanted[]): void {
    const byLookup = new Map<EntityLookup, Map<string, Sought>>();
    for (const wanted of all) {
      const sought = this.#sought(wanted, true) ?? this.#sought(wanted, false);
      if (sought === undefined) {
        const hasKey = this.#source
          .lookupsOf(wanted.representation['__typename'])
          .some(({ needs }) => needs.every((each) => Object.hasOwn(wanted.representation, each)));
        // What has null in its key does not exist.
        wanted.take(hasKey ? { type: '', json: null } : this.#failed('no lookup by this key'));
        continue;
      }
      let byKey = byLookup.get(sought.lookup);
      if (byKey === undefined) byLookup.set(sought.lookup, (byKey = new Map<string, Sought>()));
      const before = byKey.get(sought.key);
      if (before === undefined) byKey.set(sought.key, sought);
      else before.wanted.push(wanted);
    }
    for (const [{ isList }, byKey] of byLookup) {
      const different = [...byKey.values()];
      if (isList && different.length > 1) for (const chunk of chunksOf(different)) this.#list(chunk);
      else for (const each of different) this.#alone(each);
    }
  }

  #sought(wanted: Wanted, isList: boolean): Sought | undefined {
    for (const lookup of this.#source.lookupsOf(wanted.representation['__typename'])) {
      const args = lookup.isList === isList ? this.#arguments(lookup, wanted.representation) : undefined;
      if (args !== undefined) return { lookup, args, key: keyOf(args), wanted: [wanted] };
    }
    return undefined;
  }

  /** What the arguments are of an object; of a list lookup the item. Undefined where a part of the key is missing. */
  #arguments({ isList, arguments: args }: EntityLookup, object: ExactObject): Arguments | undefined {
    const values: Record<string, ExactJson> = {};
    for (const { name, map } of args) {
      const made = this.#source.evaluate(map, isList ? [object] : object);
      const value = isList && Array.isArray(made) ? (made as readonly ExactJson[])[0] : made;
      if (value === undefined || hasNull(value)) return undefined;
      values[name] = value;
    }
    return values;
  }

  #alone(given: Sought): void {
    const { lookup, key, args } = (given.lookup.isList && this.#sought(given.wanted[0]!, false)) || given;
    if (lookup.isList) this.#list([given]);
    else
      this.#calls.call(lookup.field, args, (answer) => {
        const own = this.#keyOf(answer.json, lookup);
        // Some sources take keys in upper case for those in lower case.
        const isOther = own !== undefined && own.toLowerCase() !== key.toLowerCase();
        give(given, isOther ? this.#failed('another entity than the requested one', answer.status) : answer);
      });
  }

  #list(sought: readonly Sought[]): void {
    const { lookup, args } = sought[0]!;
    const [name] = Object.keys(args) as [string];
    const keys = sought.map((each) => each.args[name]!);
    this.#calls.call(lookup.field, { [name]: keys }, (answer) => {
      const { failure, status = 0 } = answer;
      const isOfOne = failure?.extensions['code'] === 'BAD_USER_INPUT' || ofOne.has(status);
      // One of the keys may be the cause.
      if (isOfOne && sought.length > 1) for (const each of sought) this.#alone(each);
      else if (failure === undefined) this.#match(lookup, sought, answer);
      else for (const each of sought) give(each, answer);
    });
  }

  /** Never by position: items may be missing, or in another order. */
  #match(lookup: EntityLookup, sought: readonly Sought[], answer: CallAnswer): void {
    const { json, status } = answer;
    const items = json ?? [];
    const found = new Map<string, CallAnswer | undefined>(sought.map(({ key }) => [key, undefined]));
    // Whether a missing one does not exist, or is one of the others, nobody knows.
    let missing: CallAnswer = { ...answer, json: null };
    if (!Array.isArray(items)) missing = this.#failed('something else than a list of entities', status);
    else
      for (const item of items as readonly ExactJson[]) {
        if (item === null) continue;
        const key = this.#keyOf(item, lookup) ?? '';
        if (!found.has(key)) {
          missing = this.#failed('other entities than the requested ones', status);
          continue;
        }
        const before = found.get(key)?.json;
        if (before === undefined) found.set(key, { ...answer, json: item });
        else if (before !== null && writeExactJson(before) !== writeExactJson(item))
          found.set(key, this.#failed('two different entities of one key', status));
      }
    for (const each of sought) give(each, found.get(each.key) ?? missing);
  }

  /** The key of an answered entity; undefined where it has none. */
  #keyOf(json: ExactJson, lookup: EntityLookup): string | undefined {
    if (typeOf(json) !== 'object') return undefined;
    const type = this.#source.typeOf(json as ExactObject, lookup.field.namedType, 'json');
    if (type === undefined) return undefined;
    const args = this.#arguments(lookup, this.#source.toGraph(json as ExactObject, type, lookup.needs));
    return args && keyOf(args);
  }

  #failed(what: string, status?: number): CallAnswer {
    return failed(malformed(this.#source.opened.subgraph, what), status);
  }
}

const give = ({ wanted }: Sought, answer: CallAnswer): void => {
  for (const { take } of wanted) take(answer);
};

/** Statuses of a list for which one of its keys may be the cause, or their number. */
const ofOne = new Set([400, 404, 410, 413, 414, 422]);

/** Servers and proxies take URLs of 8,000 bytes and more. */
function chunksOf(sought: readonly Sought[]): Sought[][] {
  const chunks: Sought[][] = [];
  const [name] = Object.keys(sought[0]!.args) as [string];
  let left = 0;
  for (const each of sought) {
    // Its name, separators, and at most three bytes for a character, percent-encoded.
    const length = 4 + name.length + each.key.length * (/[^\w.~-]/.test(each.key) ? 9 : 1);
    if (left < length || chunks.at(-1)!.length === mostInList) {
      chunks.push([]);
      left = longestList;
    }
    left -= length;
    chunks.at(-1)!.push(each);
  }
  return chunks;
}

const mostInList = 100;
/** In bytes of a URL. */
const longestList = 4_000;

/** Of one argument its value, as most have. */
function keyOf(args: Arguments): string {
  const values = Object.values(args);
  return keyText(values.length === 1 ? values[0]! : values);
}

/** A number is equal to its text, as keys may have another type elsewhere. */
const keyText = (value: ExactJson): string =>
  typeof value === 'string' || typeof value === 'number'
    ? typeOf(value) === 'number'
      ? numberText(value)
      : (value as string)
    : JSON.stringify(value, (_name, each: ExactJson) =>
        typeOf(each) === 'number' ? numberText(each) : each,
      );

const hasNull = (value: ExactJson): boolean =>
  typeof value === 'object' && (value === null || Object.values(value).some(hasNull));
