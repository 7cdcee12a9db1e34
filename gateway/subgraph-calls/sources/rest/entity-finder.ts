/** Finds entities by the lookups of a source. */
import { firstFieldsOf } from '../../../../schema/supergraph/sources/selection-map';
import type { Lookup, SourceField } from '../../../../schema/supergraph/sources/source-schema';
import {
  type ExactJson,
  type ExactObject,
  numberText,
  stringText,
  typeOf,
  writeExactJson,
} from '../../../replay/exact-json';
import type { SubgraphResponse } from '../../contract/transport';
import { absent, type CallAnswer, type Calls } from './calls';
import type { Arguments } from './inputs';
import { malformed } from './projection';
import type { RestSource } from './rest-source';

/** An entity to look up. */
interface Wanted {
  readonly lookup: Lookup;
  readonly args: Arguments;
  /** Equal for equal keys. */
  readonly key: string;
  readonly representation: ExactObject;
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

  /** Answers with the JSON of each entity; null for one that does not exist. Rejects for defects only. */
  find(representations: readonly ExactObject[]): Promise<CallAnswer>[] {
    const lists = new Map<Lookup, Map<string, Wanted>>();
    const wanted = representations.map((representation) => {
      const inList = this.#wanted(representation, true);
      if (inList === undefined) return this.#wanted(representation, false);
      let list = lists.get(inList.lookup);
      if (list === undefined) lists.set(inList.lookup, (list = new Map<string, Wanted>()));
      list.set(inList.key, inList);
      return inList;
    });
    const found = new Map<Lookup, Map<string, Promise<CallAnswer>>>();
    for (const [lookup, list] of lists)
      if (list.size > 1) found.set(lookup, this.#all(lookup, [...list.values()]));
    return wanted.map((each) => {
      if (each === undefined) return Promise.resolve(this.#failed('no lookup by this key'));
      return found.get(each.lookup)?.get(each.key) ?? this.#alone(each);
    });
  }

  #wanted(representation: ExactObject, isList: boolean): Wanted | undefined {
    for (const lookup of this.#source.schema.lookups.get(representation['__typename'] as string) ?? []) {
      const args = lookup.isList === isList ? this.#arguments(lookup, representation) : undefined;
      if (args !== undefined) return { lookup, args, key: keyText(args), representation };
    }
    return undefined;
  }

  /** What the arguments are of an object; of a list lookup the item. Undefined where a part of the key is missing. */
  #arguments({ isList, arguments: args }: Lookup, object: ExactObject): Arguments | undefined {
    const entries: (readonly [string, ExactJson])[] = [];
    for (const { name, map } of args) {
      const made = this.#source.evaluate(map, isList ? [object] : object);
      const value = isList && Array.isArray(made) ? (made as readonly ExactJson[])[0] : made;
      if (value === undefined || value === null || hasNull(value)) return undefined;
      entries.push([name, value]);
    }
    return Object.fromEntries(entries);
  }

  async #alone(given: Wanted): Promise<CallAnswer> {
    const wanted = (given.lookup.isList && this.#wanted(given.representation, false)) || given;
    if (wanted.lookup.isList) return (await this.#list(wanted.lookup, [wanted])).get(wanted.key)!;
    const field = this.#source.rootField('query', wanted.lookup.field);
    const answer = await this.#calls.call(field, wanted.args);
    if (answer.failure !== undefined || typeOf(answer.json) !== 'object') return answer;
    const key = this.#keyOf(answer.json as ExactObject, wanted.lookup, field);
    // Some sources take keys in upper case for those in lower case.
    if (key === undefined || key.toLowerCase() === wanted.key.toLowerCase()) return answer;
    return this.#failed('another entity than the requested one', answer.response);
  }

  /** By the keys of what is wanted. */
  #all(lookup: Lookup, wanted: readonly Wanted[]): Map<string, Promise<CallAnswer>> {
    const found = new Map<string, Promise<CallAnswer>>();
    for (const chunk of chunksOf(wanted)) {
      const answers = this.#list(lookup, chunk);
      for (const { key } of chunk)
        found.set(
          key,
          answers.then((all) => all.get(key)!),
        );
    }
    return found;
  }

  async #list(lookup: Lookup, wanted: readonly Wanted[]): Promise<Map<string, CallAnswer>> {
    const field = this.#source.rootField('query', lookup.field);
    const [name] = Object.keys(wanted[0]!.args) as [string];
    const answer = await this.#calls.call(field, { [name]: wanted.map(({ args }) => args[name]!) });
    const { response, failure } = answer;
    if (failure !== undefined) {
      const isOfOne =
        response === undefined ? failure.extensions['code'] === 'BAD_USER_INPUT' : ofOne.has(response.status);
      if (isOfOne && wanted.length > 1)
        // One of the keys may be the cause.
        return new Map(
          await Promise.all(wanted.map(async (each) => [each.key, await this.#alone(each)] as const)),
        );
      const isAbsent = response !== undefined && absent.has(response.status);
      return sameFor(wanted, isAbsent ? { type: field.namedType, json: null, response } : answer);
    }
    const { json } = answer;
    if (json !== null && !Array.isArray(json))
      return sameFor(wanted, this.#failed('something else than a list of entities', response));
    return this.#match(lookup, field, wanted, (json ?? []) as readonly ExactJson[], response);
  }

  /** Never by position: items may be missing, or in another order. */
  #match(
    lookup: Lookup,
    field: SourceField,
    wanted: readonly Wanted[],
    items: readonly ExactJson[],
    response: SubgraphResponse,
  ): Map<string, CallAnswer> {
    const type = field.namedType;
    const keys = new Set(wanted.map(({ key }) => key));
    const found = new Map<string, CallAnswer>();
    let areOthers = false;
    for (const item of items) {
      if (item === null) continue;
      const key = typeOf(item) === 'object' ? this.#keyOf(item as ExactObject, lookup, field) : undefined;
      if (key === undefined || !keys.has(key)) {
        areOthers = true;
        continue;
      }
      const before = found.get(key);
      const isAmbiguous = before?.json !== undefined && writeExactJson(before.json) !== writeExactJson(item);
      if (isAmbiguous) found.set(key, this.#failed('two different entities of one key', response));
      else if (before === undefined) found.set(key, { type, json: item, response });
    }
    for (const { key } of wanted)
      if (!found.has(key))
        found.set(
          key,
          // Nobody knows whether it does not exist, or is one of them.
          areOthers
            ? this.#failed('other entities than the requested ones', response)
            : { type, json: null, response },
        );
    return found;
  }

  /** The key of an answered entity; undefined where it has none. */
  #keyOf(json: ExactObject, lookup: Lookup, field: SourceField): string | undefined {
    const type = this.#source.typeOf(json, field.namedType, 'json');
    if (type === undefined) return undefined;
    const fields = new Set(lookup.arguments.flatMap(({ map }) => firstFieldsOf(map)));
    const args = this.#arguments(lookup, this.#source.toGraph(json, type, fields));
    return args && keyText(args);
  }

  #failed(what: string, response?: SubgraphResponse): CallAnswer {
    return { type: '', failure: malformed(this.#subgraph, what), response };
  }
}

/** Statuses of a list for which one of its keys may be the cause, or their number. */
const ofOne = new Set([400, 404, 410, 413, 414, 422]);

const sameFor = (wanted: readonly Wanted[], answer: CallAnswer): Map<string, CallAnswer> =>
  new Map(wanted.map(({ key }) => [key, answer]));

/** Servers and proxies take URLs of 8,000 bytes and more. */
function chunksOf(wanted: readonly Wanted[]): Wanted[][] {
  const chunks: Wanted[][] = [];
  let left = 0;
  for (const each of wanted) {
    const [name, value] = Object.entries(each.args)[0]!;
    const length = name.length + 2 + writeExactJson(value).replace(/[^\w.~"-]/gu, '%xx%xx%xx').length;
    if (left < length || chunks.at(-1)?.length === mostInList) {
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
