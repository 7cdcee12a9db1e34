/** Compiles what is requested of entities: by which lookups, and what the representations have already. */
import { type DirectiveNode, type FieldNode, Kind, type SelectionNode, type TypeNode } from 'graphql';
import { typeText } from '../../../../schema/supergraph/sdl';
import type { Lookup, SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';
import type { ExactObject } from '../../../replay/exact-json';
import { compileArgument, type ToArgument } from '../arguments';
import { fieldsIn, fieldText, mapsOf, type SelectionCompiler } from './compile-selection';
import { formOfMember, mergeForms, mergeMembers, type RootCall, type ValueForm } from './forms';

/** How entities of one type are answered whose representations have the same fields. */
export interface EntityPlan {
  /** In the order in which they are tried; none where the representations have all that is requested. */
  readonly lookups: readonly EntityLookup[];
  /** What is not looked up. */
  readonly others: ValueForm;
}

export interface EntityLookup {
  readonly call: RootCall;
  /** The type at the source that an answer must have. @default undefined: the lookup returns no other */
  readonly typename: string | undefined;
  /** Undefined for a lookup of one entity. */
  readonly list: ListLookup | undefined;
  /** The response names of what is looked up. */
  readonly names: readonly string[];
  /** Those that are null, as what they need is. */
  readonly missing: readonly string[];
}

export interface ListLookup {
  /** The key of a representation, as JSON. */
  readonly keyOf: ToArgument;
  /** Whether the key is one member, and text. */
  readonly isText: boolean;
  /** The members of an item that its key is made of, and their names. Undefined where items are matched by position. */
  readonly members: ReadonlyMap<string, string> | undefined;
}

/** The member of an answer with its type. */
export const typenameMember = '_t';

export class EntityCompiler {
  readonly #compiler: SelectionCompiler;
  readonly #selections: readonly SelectionNode[];
  readonly #plans = new Map<string, EntityPlan>();

  /** @param selections of `_entities` */
  constructor(compiler: SelectionCompiler, selections: readonly SelectionNode[]) {
    this.#compiler = compiler;
    this.#selections = selections;
  }

  planOf(representation: ExactObject): EntityPlan {
    const names = Object.keys(representation);
    const type = representation['__typename'] as string;
    const key = `${type} ${names.join(' ')}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      if (this.#plans.size === mostPlans) this.#plans.clear();
      this.#plans.set(key, (plan = this.#compile(type, new Set(names))));
    }
    return plan;
  }

  #compile(type: string, names: ReadonlySet<string>): EntityPlan {
    const { source } = this.#compiler;
    const types = this.#compiler.typesOf(type);
    const lookups = (source.lookups.get(type) ?? [])
      .filter(({ arguments: args }) =>
        fieldsIn(args.map(({ map }) => map)).every(({ name }) => names.has(name.value)),
      )
      .sort((one, other) => Number(other.isList) - Number(one.isList));
    const others: ValueForm['members'][number][] = [];
    const gather = (
      selections: readonly SelectionNode[],
      around: readonly DirectiveNode[],
    ): readonly SelectionNode[] =>
      selections.flatMap((node): readonly SelectionNode[] => {
        const directives = [...around, ...(node.directives ?? [])];
        if (node.kind !== Kind.FIELD) {
          const fragment =
            node.kind === Kind.INLINE_FRAGMENT ? node : this.#compiler.fragment(node.name.value)!;
          const on = fragment.typeCondition?.name.value;
          if (on !== undefined && !this.#compiler.isOf(type, on)) return [];
          const below = gather(fragment.selectionSet.selections, directives);
          if (below.length === 0 || node.directives?.length === 0) return below;
          const selectionSet = { kind: Kind.SELECTION_SET, selections: below } as const;
          return [{ kind: Kind.INLINE_FRAGMENT, directives: node.directives ?? [], selectionSet }];
        }
        const field = types.find(({ fields }) => fields.has(node.name.value))?.fields.get(node.name.value);
        const other = this.#other(node, field, directives, names, type, lookups.length > 0);
        if (other === undefined) return [node];
        others.push(other);
        return [];
      });
    const looked = gather(this.#selections, []);
    const needsNone = others.length > 0 && looked.every(isTypename);
    if (lookups.length === 0 || needsNone) {
      const rest = this.#compiler.values(looked, type).members;
      return { lookups: [], others: { typename: type, members: mergeMembers([...rest, ...others]) } };
    }
    return {
      lookups: this.#lookups(lookups, looked, types),
      others: { typename: type, members: mergeMembers(others) },
    };
  }

  /** A field that is not looked up. */
  #other(
    node: FieldNode,
    field: SourceField | undefined,
    directives: readonly DirectiveNode[],
    names: ReadonlySet<string>,
    type: string,
    hasLookups: boolean,
  ): ValueForm['members'][number] | undefined {
    if (field?.derived === undefined && field?.from === undefined)
      return hasLookups ? undefined : this.#compiler.values([node], type).members[0];
    const isThere = fieldsIn(mapsOf(field)).every(({ name }) => names.has(name.value));
    return isThere ? this.#compiler.made(field, node, directives) : undefined;
  }

  /** Where fields need what may be null, the others are looked up without them. */
  #lookups(
    lookups: readonly Lookup[],
    selections: readonly SelectionNode[],
    types: readonly SourceType[],
  ): EntityLookup[] {
    const requires = ({ name }: FieldNode): boolean =>
      types.some(({ fields }) =>
        [...(fields.get(name.value)?.arguments.values() ?? [])].some(({ require }) => require !== undefined),
      );
    const rest = without(selections, requires);
    const names = namesIn(selections);
    const kept = new Set(namesIn(rest));
    const missing = names.filter((name) => !kept.has(name));
    const all = lookups.map((lookup) => ({ ...this.#lookup(lookup, selections), names, missing: [] }));
    if (missing.length === 0 || kept.size === 0) return all;
    return [...all, ...lookups.map((lookup) => ({ ...this.#lookup(lookup, rest), names, missing }))];
  }

  #lookup(
    { entity, field, isList, arguments: args }: Lookup,
    selections: readonly SelectionNode[],
  ): Omit<EntityLookup, 'names' | 'missing'> {
    const compiler = this.#compiler;
    const { source } = compiler;
    const root = source.types.get(source.roots.query!)!.fields.get(field)!;
    const returned = source.types.get(root.namedType)!;
    const type =
      compiler.typesOf(entity).find(({ name }) => returned.possibleTypes.includes(name)) ?? returned;
    const list = isList ? this.#list(args[0]!, type) : undefined;
    const call = compiler.call(
      root,
      args.map(({ name, type: input, map }) => compiler.argument(name, input, map)),
      {
        select: (required) => {
          const selection = compiler.select(selections, type, required);
          const own = { ...selection, text: selection.text === '' ? '__typename' : selection.text };
          const keys = list === undefined ? [] : [...list.texts].map(([alias, text]) => `${alias}:${text} `);
          const keyed = { ...own, text: `${keys.join('')}${own.text}` };
          if (type === returned) return keyed;
          const inner = { ...keyed, text: `...on ${type.name}{${keyed.text}}` };
          const form = mergeForms(inner.form, formOfMember(typenameMember, { kind: 'need', of: '' }));
          return { ...inner, text: `${typenameMember}:__typename ${inner.text}`, form };
        },
      },
    );
    return { call, typename: type === returned ? undefined : type.name, list };
  }

  /** Matches the items of a list by their keys, where they have what these are made of. */
  #list(
    { map, type }: Lookup['arguments'][number],
    { fields }: SourceType,
  ): ListLookup & { readonly texts: ReadonlyMap<string, string> } {
    // Composition takes nothing but a list of keys here.
    const item = map.kind === 'list' ? map.item : map;
    const keyOf = compileArgument(item, itemOf(type), this.#compiler.source);
    const parts = fieldsIn([item]);
    const isSelectable = parts.every(({ name }) => {
      const field = fields.get(name.value);
      return field !== undefined && isPlain(field);
    });
    const members = new Map(isSelectable ? parts.map(({ name }, i) => [`_k${i}`, name.value]) : []);
    const texts = new Map(parts.map((part, i) => [`_k${i}`, fieldText(part)]));
    const isText =
      item.kind === 'path' && item.path.length === 1 && /^(ID|String)!?$/.test(typeText(itemOf(type)));
    return isSelectable
      ? { keyOf, isText, members, texts }
      : { keyOf, isText, members: undefined, texts: new Map() };
  }
}

const isPlain = ({ derived, from, arguments: args }: SourceField): boolean =>
  derived === undefined && from === undefined && args.size === 0;

/** The selections without some fields of the object itself. */
const without = (
  selections: readonly SelectionNode[],
  isLeftOut: (node: FieldNode) => boolean,
): readonly SelectionNode[] =>
  selections.flatMap((node): readonly SelectionNode[] => {
    if (node.kind === Kind.FIELD) return isLeftOut(node) ? [] : [node];
    if (node.kind !== Kind.INLINE_FRAGMENT) return [node];
    const below = without(node.selectionSet.selections, isLeftOut);
    return below.length === 0 ? [] : [{ ...node, selectionSet: { ...node.selectionSet, selections: below } }];
  });

const namesIn = (selections: readonly SelectionNode[]): string[] =>
  selections.flatMap((node) => {
    if (node.kind === Kind.FIELD)
      return node.name.value === '__typename' ? [] : [node.alias?.value ?? node.name.value];
    return node.kind === Kind.INLINE_FRAGMENT ? namesIn(node.selectionSet.selections) : [];
  });

const isTypename = (node: SelectionNode): boolean =>
  node.kind === Kind.FIELD
    ? node.name.value === '__typename'
    : node.kind === Kind.INLINE_FRAGMENT && node.selectionSet.selections.every(isTypename);

const itemOf = (type: TypeNode): TypeNode =>
  type.kind === Kind.NAMED_TYPE ? type : type.kind === Kind.LIST_TYPE ? type.type : itemOf(type.type);

/** Types with other plans are compiled anew: representations of one subgraph have few different fields. */
const mostPlans = 100;
