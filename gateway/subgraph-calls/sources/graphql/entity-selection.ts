/** What is selected of entities: what is made of their values, and what is looked up. */
import { Kind, type TypeNode } from 'graphql';
import type { Lookup, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import type { ExactJson, ExactObject } from '../../../replay/exact-json';
import { compileArgument, type ToArgument } from '../arguments';
import type { SelectionCompiler } from './compile-selection';
import { fieldsIn, fieldText, isMade, isPlain, mapsOf, type SelectedField } from './fields';
import { formOf, type MadeField, type Member, type RootCall, typenameMember } from './forms';

/** How entities of one type are answered of which the same values are given. */
export interface EntityPlan {
  readonly typename: string;
  /** The response names of `__typename`. */
  readonly typenames: readonly string[];
  readonly given: readonly GivenField[];
  readonly made: readonly MadeField[];
  /** In the order in which they are tried; none where the values have all that is requested. */
  readonly lookups: readonly EntityLookup[];
  /** The response names of what is looked up. */
  readonly names: readonly string[];
  /** Whether an entity that is not found is an object all the same, with what is given and made. */
  readonly stays: boolean;
}

export interface GivenField {
  readonly key: string;
  readonly name: string;
  readonly isId: boolean;
  /** What is selected of its objects, and their type. */
  readonly objects: { readonly typename: string; readonly entity: EntitySelection } | undefined;
}

export interface EntityLookup {
  readonly call: RootCall;
  /** The type at the source that an answer must have. Undefined where the lookup returns no other. */
  readonly typename: string | undefined;
  /** Undefined for a lookup of one entity. */
  readonly list: ListLookup | undefined;
  /** The response names that are null, as what they need is. */
  readonly without: readonly string[];
}

export interface ListLookup {
  readonly keyOf: ToArgument;
  /** The members of an item that its key is made of, and their names. Undefined where items are matched by position. */
  readonly members: readonly (readonly [alias: string, name: string])[] | undefined;
}

export class EntitySelection {
  readonly #compiler: SelectionCompiler;
  readonly #fieldsOf: (typename: string) => readonly SelectedField[];
  readonly #isNested: boolean;
  readonly #plans = new Map<string, EntityPlan>();
  #last: { readonly names: readonly string[]; readonly plan: EntityPlan } | undefined;

  /** @param isNested whether objects have values of their own, which stay where a lookup finds nothing */
  constructor(
    compiler: SelectionCompiler,
    fieldsOf: (typename: string) => readonly SelectedField[],
    isNested: boolean,
  ) {
    this.#compiler = compiler;
    this.#fieldsOf = fieldsOf;
    this.#isNested = isNested;
  }

  planOf(typename: string, values: ExactObject): EntityPlan {
    const names = Object.keys(values);
    // Entities of one request mostly are alike.
    const last = this.#last;
    if (last?.plan.typename === typename && isEqual(last.names, names)) return last.plan;
    const key = `${typename} ${names.join(' ')}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      if (this.#plans.size === mostPlans) this.#plans.clear();
      this.#plans.set(key, (plan = this.#compile(typename, new Set(names))));
    }
    this.#last = { names, plan };
    return plan;
  }

  #compile(typename: string, names: ReadonlySet<string>): EntityPlan {
    const compiler = this.#compiler;
    const { source } = compiler;
    const types = compiler.typesOf(typename);
    const lookups = (source.lookups.get(typename) ?? []).filter(({ arguments: args }) =>
      hasAll(
        names,
        args.map(({ map }) => map),
      ),
    );
    const typenames: string[] = [];
    const given: GivenField[] = [];
    const made: MadeField[] = [];
    const looked: SelectedField[] = [];
    for (const each of this.#fieldsOf(typename)) {
      const { key, name, selections } = each;
      const field = types.find(({ fields }) => fields.has(name))?.fields.get(name);
      if (name === '__typename') typenames.push(key);
      else if (field !== undefined && isMade(field) && hasAll(names, mapsOf(field)))
        made.push({
          ...compiler.made(field, each),
          needs: fieldsIn(mapsOf(field)).map((need) => [need.name.value, need.name.value]),
        });
      else if (lookups.length > 0 && !(this.#isNested && names.has(name))) looked.push(each);
      else if (names.has(name)) {
        const below = source.types.get(field?.namedType ?? '');
        const objects =
          selections.length === 0
            ? undefined
            : { typename: below?.graphName ?? '', entity: compiler.entity(selections, true) };
        given.push({ key, name, isId: field?.namedType === 'ID', objects });
      }
    }
    const stays = this.#isNested || given.length + made.length > 0;
    return {
      ...{ typename, typenames, given, made, stays },
      lookups: stays && looked.length === 0 ? [] : this.#lookups(lookups, looked, types),
      names: looked.map(({ key }) => key),
    };
  }

  /** Where fields need what may be null, the others are looked up without them. */
  #lookups(
    lookups: readonly Lookup[],
    looked: readonly SelectedField[],
    types: readonly SourceType[],
  ): EntityLookup[] {
    const giving = lookups.length < 2 ? [] : this.#compiler.lookupsOf(lookups[0]!.entity, looked);
    const all = giving.some((each) => lookups.includes(each))
      ? giving.filter((each) => lookups.includes(each))
      : [...lookups].sort((one, other) => Number(other.isList) - Number(one.isList));
    const rest = looked.filter(({ name }) =>
      types.every(({ fields }) => {
        const field = fields.get(name);
        return field === undefined || isMade(field) || mapsOf(field).length === 0;
      }),
    );
    const without = looked.flatMap((each) => (rest.includes(each) ? [] : [each.key]));
    const whole = all.map((lookup) => this.#lookup(lookup, looked, []));
    if (without.length === 0 || rest.length === 0) return whole;
    return [...whole, ...all.map((lookup) => this.#lookup(lookup, rest, without))];
  }

  #lookup(lookup: Lookup, selected: readonly SelectedField[], without: readonly string[]): EntityLookup {
    const compiler = this.#compiler;
    const { root, type } = compiler.returnedBy(lookup);
    const isAbstract = root.namedType !== type.name;
    const keys = lookup.isList ? this.#keysOf(lookup, type) : [];
    const args = lookup.arguments.map(({ name, type: input, map }) => compiler.argument(name, input, map));
    const call = compiler.call(root, args, [], (context) => {
      const { texts, form } = compiler.object(selected, type, context);
      const own = [
        ...keys.map(({ alias, text }) => `${alias}:${text}`),
        ...(texts.size === 0 ? ['__typename'] : texts.values()),
      ].join(' ');
      const left = [...keys.map(({ alias }) => alias), ...(isAbstract ? [typenameMember] : [])];
      const members = new Map<string, Member>([
        ...form.members,
        ...left.map((alias) => [alias, []] as const),
      ]);
      const text = isAbstract ? `${typenameMember}:__typename ...on ${type.name}{${own}}` : own;
      return { text, form: formOf(members, form.made) };
    });
    return {
      ...{ call, without },
      typename: isAbstract ? type.name : undefined,
      list: lookup.isList ? this.#list(lookup, keys) : undefined,
    };
  }

  /** What the key of an item is made of; nothing where it cannot be selected. */
  #keysOf({ arguments: args }: Lookup, type: SourceType) {
    const parts = fieldsIn(args.map(({ map }) => map));
    if (
      !parts.every(
        ({ name }) => isPlain(type, name.value) && type.fields.get(name.value)!.arguments.size === 0,
      )
    )
      return [];
    return parts.map((part, i) => ({ alias: `_k${i}`, name: part.name.value, text: fieldText(part) }));
  }

  #list(
    { arguments: args }: Lookup,
    keys: readonly { readonly alias: string; readonly name: string }[],
  ): ListLookup {
    const { map, type } = args[0]!;
    // Composition takes nothing but a list of keys here.
    const keyOf = compileArgument(map.kind === 'list' ? map.item : map, itemOf(type), this.#compiler.source);
    return { keyOf, members: keys.length === 0 ? undefined : keys.map(({ alias, name }) => [alias, name]) };
  }
}

const isEqual = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name, i) => name === other[i]);

const hasAll = (names: ReadonlySet<string>, maps: Parameters<typeof fieldsIn>[0]): boolean =>
  fieldsIn(maps).every(({ name }) => names.has(name.value));

const itemOf = (type: TypeNode): TypeNode =>
  type.kind === Kind.NAMED_TYPE ? type : type.kind === Kind.LIST_TYPE ? type.type : itemOf(type.type);

/** Types with other plans are compiled anew: representations of one subgraph have few different fields. */
const mostPlans = 100;

/** Equal for equal values of one type. */
export const identityOf = (value: ExactJson): string =>
  typeof value === 'string' ? value : `\0${JSON.stringify(value)}`;
