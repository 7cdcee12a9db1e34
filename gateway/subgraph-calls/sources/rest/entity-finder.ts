/** Finds entities by the lookups of a source. */
import {
  type ExactJson,
  type ExactObject,
  numberText,
  stringText,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';
import { malformed } from './answer';
import { type CallAnswer, type Calls, failed } from './calls';
import type { Arguments } from './inputs';
import type { EntityLookup, RestSource } from './rest-source';

/** An entity to look up. */
export interface Wanted {
  /** Its values, by the names of the graph. */
  readonly representation: ExactObject;
  /** Takes the JSON of the entity; null where it does not exist. */
  readonly take: (answer: CallAnswer) => void;
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
  readonly #subgraph: string;

  constructor(source: RestSource, calls: Calls, subgraph: string) {
    this.#source = source;
    this.#calls = calls;
    this.#subgraph = subgraph;
  }

  /** Each call of it rejects for defects only. */
  find(all: readonly Wanted[]): Promise<void>[] {
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
    return Array.from(byLookup, ([{ isList }, byKey]) => {
      const different = [...byKey.values()];
      return isList && different.length > 1
        ? chunksOf(different).map((chunk) => this.#list(chunk))
        : different.map((each) => this.#alone(each));
    }).flat();
  }

  #sought(wanted: Wanted, isList: boolean): Sought | undefined {
    for (const lookup of this.#source.lookupsOf(wanted.representation['__typename'])) {
      const args = lookup.isList === isList ? this.#arguments(lookup, wanted.representation) : undefined;
      if (args !== undefined) return { lookup, args, key: keyText(args), wanted: [wanted] };
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

  async #alone(given: Sought): Promise<void> {
    const sought = (given.lookup.isList && this.#sought(given.wanted[0]!, false)) || given;
    if (sought.lookup.isList) return this.#list([given]);
    const answer = await this.#calls.call(sought.lookup.field, sought.args);
    const key = this.#keyOf(answer.json, sought.lookup);
    // Some sources take keys in upper case for those in lower case.
    const isOther = key !== undefined && key.toLowerCase() !== sought.key.toLowerCase();
    give(given, isOther ? this.#failed('another entity than the requested one', answer.status) : answer);
  }

  async #list(sought: readonly Sought[]): Promise<void> {
    const { lookup, args } = sought[0]!;
    const [name] = Object.keys(args) as [string];
    const answer = await this.#calls.call(lookup.field, { [name]: sought.map((each) => each.args[name]!) });
    const { failure, status = 0 } = answer;
    const isOfOne = failure?.extensions['code'] === 'BAD_USER_INPUT' || ofOne.has(status);
    // One of the keys may be the cause.
    if (isOfOne && sought.length > 1) await Promise.all(sought.map((each) => this.#alone(each)));
    else if (failure === undefined) this.#match(lookup, sought, answer);
    else for (const each of sought) give(each, answer);
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
    return args && keyText(args);
  }

  #failed(what: string, status?: number): CallAnswer {
    return failed(malformed(this.#subgraph, what), status);
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
  let left = 0;
  for (const each of sought) {
    // It has the name of its argument, and its characters have at most three bytes, percent-encoded.
    const length = each.key.length * (/[^\w.~":{}-]/.test(each.key) ? 9 : 1);
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

/** A number is equal to its text, as keys may have another type elsewhere. */
function keyText(value: ExactJson): string {
  switch (typeOf(value)) {
    case 'number':
      return JSON.stringify(numberText(value));
    case 'string':
      return JSON.stringify(stringText(value as string));
    case 'list':
      return `[${(value as readonly ExactJson[]).map(keyText).join()}]`;
    case 'object':
      return `{${Object.entries(value as ExactObject)
        .map(([name, each]) => `${name}:${keyText(each)}`)
        .join()}}`;
    default:
      return writeExactJson(value);
  }
}

const hasNull = (value: ExactJson): boolean =>
  typeof value === 'object' && (value === null || Object.values(value).some(hasNull));
