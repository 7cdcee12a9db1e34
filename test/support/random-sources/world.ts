/**
 * The data behind random sources: what a field of an object is, is a function of the seed, the object, the field and its
 * arguments, whoever asks. So an API may be asked in parts, and one schema in a whole.
 */
import { hashOf } from '../random-source';

/** An object: an entity, or a value that belongs to its position. */
export interface Thing {
  /** Its type in the graph. */
  readonly type: string;
  readonly id: string;
  /** Which of its type it is: of entities only. */
  readonly index?: number;
}

export type Args = Readonly<Record<string, unknown>>;

/** @param args as graphql-js gives them, with defaults */
export type Resolve = (thing: Thing, args: Args) => unknown;

export interface KeyField {
  readonly name: string;
  /** Of the graph, without `!`. */
  readonly type: 'ID' | 'String' | 'Int';
  readonly values: readonly (string | number)[];
}

export type Key = readonly KeyField[];

export interface Entity {
  readonly name: string;
  /** The first API of the graph that has it knows it by all of them. */
  readonly keys: readonly Key[];
  /** Whether other APIs need values of it. */
  readonly isNeeded: boolean;
}

/** Of each entity type; the last ones are known to no API: links to them lead nowhere. */
export const entitiesPerType = 8;
const leadNowhere = 2;

/** What is wrong with lookups of an API. */
export interface WorldFault {
  readonly api: { readonly name: string };
  /** The entity that it does not know, or for which it fails; undefined: lists have an order of their own, items twice, and others. */
  readonly entity?: Thing;
  readonly how: 'unknown' | 'fails' | 'disorder';
}

/** The last one that links lead to. Where no API knows it, none has its other keys, and what others need of it. */
export const lastOf = ({ keys, isNeeded }: Entity): number =>
  entitiesPerType - 1 - (keys.length > 1 || isNeeded ? leadNowhere : 0);

export class World {
  /** @default undefined: all is well */
  fault: WorldFault | undefined;

  constructor(readonly seed: number) {}

  chance(probability: number, place: string): boolean {
    return this.#hash(place) / 2 ** 32 < probability;
  }

  between(from: number, to: number, place: string): number {
    return from + (this.#hash(place) % (to - from + 1));
  }

  pick<T>(items: readonly T[], place: string): T {
    return items[this.#hash(place) % items.length]!;
  }

  entity({ name }: Entity, index: number): Thing {
    return { type: name, id: `${name}/${index}`, index };
  }

  /** The one whose key has these values, as texts or numbers. */
  find(entity: Entity, key: Key, values: readonly unknown[]): Thing | undefined {
    for (let index = 0; index < entitiesPerType; index++)
      if (key.every((field, i) => String(field.values[index]) === String(values[i])))
        return this.entity(entity, index);
    return undefined;
  }

  /** Whether the API has it; the home of an entity has all but those that nobody has. */
  isKnown(api: { readonly name: string }, { type, index }: Thing, isHome: boolean): boolean {
    if (index === undefined) return true;
    if (index >= entitiesPerType - leadNowhere) return false;
    return isHome || !this.chance(0.15, `${api.name} knows ${type} ${index}`);
  }

  /** A value of a type written in SDL: leaves are made for their place. */
  valueOf(type: string, place: string, leaf: (place: string) => unknown): unknown {
    if (type.endsWith('!')) return this.#nonNull(type.slice(0, -1), place, leaf);
    return this.chance(0.12, `${place} is null`) ? null : this.#nonNull(type, place, leaf);
  }

  #nonNull(type: string, place: string, leaf: (place: string) => unknown): unknown {
    if (!type.startsWith('[')) return leaf(place);
    const count = this.between(0, 3, `${place} count`);
    return Array.from({ length: count }, (_, i) => this.valueOf(type.slice(1, -1), `${place}[${i}]`, leaf));
  }

  scalar(type: string, place: string): unknown {
    switch (type) {
      case 'Int':
        return this.pick([0, 1, -7, 42, 2147483647, -2147483648], place);
      case 'Float':
        return this.pick([0, 0.5, -1e-7, 3, 1e21], place);
      case 'Boolean':
        return this.chance(0.5, place);
      case 'ID':
        return this.pick(['1', 'i-2', 'ü'], place);
      case 'Long':
        return this.pick([7, 2 ** 40, -(2 ** 52)], place);
      default:
        return this.pick(['', 'text', 'quote " and \\', '日本', '👍 \u2028', `at ${place}`], place);
    }
  }

  #hash(place: string): number {
    return hashOf(`${this.seed} ${place}`);
  }
}

/** The type without lists and `!`. */
export const namedType = (type: string): string => type.replace(/[[\]!]/g, '');

/** Equal for equal arguments. @param isNullAbsent whether null is as no value: a parameter of a request cannot be null */
export function canonical(args: Args, isNullAbsent = false): string {
  const given = Object.entries(args).filter(
    ([, value]) => value !== undefined && !(isNullAbsent && value === null),
  );
  if (given.length === 0) return '';
  return JSON.stringify(
    given.sort(([a], [b]) => (a < b ? -1 : 1)),
    (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
  );
}
