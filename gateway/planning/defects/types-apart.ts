/**
 * Keeps selections on different types with the same response name apart while an operation is planned.
 *
 * The planner identifies the objects of a later fetch only by their path, and those of an `@interfaceObject` only by
 * the interface. So if the types of an interface or union have different selections under one name, it fetches all of
 * them for all types. In `{ media { ... on Film { owner { age } } ... on Song { owner { name } } } }` it also fetches
 * the age of songs' owners, and if a song's owner has no age, that owner is lost. Of two fields with the same alias it
 * even drops one: `{ media { ... on Film { owner { x: age } } ... on Song { owner { x: name } } } }` returns ages as
 * names.
 *
 * Here each such name is replaced by one name per type, or per group of types with equal selections.
 * `restored-types.ts` restores the names in plans.
 *
 * Upstream: https://github.com/apollographql/federation/issues/2938. Its fix, `typeConditionedFetching`, exists only in
 * the Apollo Router.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type AbstractTypes } from './abstract-types';

/** A response name that stands for another one, for objects of some types. */
export interface TypedName {
  readonly original: string;
  readonly types: ReadonlySet<string>;
}

export interface TypesApart {
  readonly document: DocumentNode;
  readonly names: ReadonlyMap<string, TypedName>;
  /** The client's names for them. */
  readonly originals: ReadonlySet<string>;
}

/** Undefined if no name must be kept apart. */
export function typesApart(
  document: DocumentNode,
  schema: GraphQLSchema,
  { interfaceObjectFields, interfaceObjectKeys }: AbstractTypes,
): TypesApart | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const taken = new Set<string>();
  visit(document, {
    FragmentDefinition: (node) => void fragments.set(node.name.value, node),
    Field: (node) => void taken.add(responseName(node)),
  });
  const names = new Map<string, TypedName>();
  const definitions = document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION ? [apart(node)] : [],
  );
  if (names.size === 0) return undefined;
  const originals = new Set([...names.values()].map(({ original }) => original));
  return { document: { ...document, definitions }, names, originals };

  function apart(node: OperationDefinitionNode): OperationDefinitionNode {
    const type = schema.getRootType(node.operation)!;
    const [selectionSet] = rewrite([{ selectionSet: node.selectionSet, type }]);
    return { ...node, selectionSet: selectionSet! };
  }

  /** Rewrites each of the selection sets at one position of the response. */
  function rewrite(parts: readonly Part[]): SelectionSetNode[] {
    const types = [...new Set(parts.flatMap(({ type }) => possible(type)))];
    const fields = new Map<string, Map<GraphQLObjectType, Occurrence[]>>();
    for (const type of types) for (const part of parts) collect(part, type, fields);
    // The rewritten field of each occurrence, by object type.
    const rewritten = new Map<FieldNode, Map<GraphQLObjectType, FieldNode>>();
    const isApart = new Set<FieldNode>();
    for (const [name, byType] of fields) {
      const groups = groupsApart(byType, types);
      for (const group of groups ?? [[...byType.keys()]]) {
        const alias = groups && typedName(name, group);
        const occurrences = new Map<FieldNode, GraphQLCompositeType | undefined>();
        for (const type of group)
          for (const { field, type: of } of byType.get(type)!) occurrences.set(field, of);
        const below = [...occurrences].flatMap(([{ selectionSet }, type]) =>
          selectionSet && type ? [{ selectionSet, type }] : [],
        );
        const sets = rewrite(below);
        for (const [field, of] of occurrences) {
          const selected = field.selectionSet && of ? sets.shift()! : field.selectionSet;
          const selectionSet = alias === undefined ? selected : withTypename(selected, of);
          const node: FieldNode = {
            ...field,
            ...(alias && { alias: nameNode(alias) }),
            ...(selectionSet && { selectionSet }),
          };
          if (alias !== undefined) isApart.add(field);
          for (const type of group)
            rewritten.set(
              field,
              (rewritten.get(field) ?? new Map<GraphQLObjectType, FieldNode>()).set(type, node),
            );
        }
      }
    }
    return parts.map((part) => {
      const selections = [
        ...inCommon(part.selectionSet),
        ...possible(part.type).flatMap((type): SelectionNode[] => {
          const own = ofType(part.selectionSet, type);
          return own.length === 0 ? [] : [inlineFragment(own, type.name)];
        }),
      ];
      return { ...part.selectionSet, selections: selections.length > 0 ? selections : [typename] };
    });

    /** A selection without the fields that are kept apart. */
    function inCommon({ selections }: SelectionSetNode): SelectionNode[] {
      return selections.flatMap((selection): SelectionNode[] => {
        if (selection.kind === Kind.FIELD) {
          const [field] = rewritten.get(selection)?.values() ?? [];
          if (isApart.has(selection)) return [];
          // No object matches the fragment that contains the field.
          return [field ?? typename];
        }
        const { selectionSet, typeCondition } = fragmentOf(selection);
        const within = inCommon(selectionSet);
        return within.length === 0
          ? []
          : [inlineFragment(within, typeCondition?.name.value, selection.directives)];
      });
    }

    /** The fields of a selection that are kept apart for a type. */
    function ofType({ selections }: SelectionSetNode, type: GraphQLObjectType): SelectionNode[] {
      return selections.flatMap((selection): SelectionNode[] => {
        if (selection.kind === Kind.FIELD) {
          const field = isApart.has(selection) ? rewritten.get(selection)?.get(type) : undefined;
          return field ? [field] : [];
        }
        const { selectionSet, typeCondition } = fragmentOf(selection);
        if (typeCondition && !applies(typeCondition.name.value, type)) return [];
        const within = ofType(selectionSet, type);
        if (within.length === 0 || selection.directives?.length === 0) return within;
        return [inlineFragment(within, undefined, selection.directives)];
      });
    }
  }

  /** Collects the fields that a selection has for objects of a type, by response name. */
  function collect(
    { selectionSet, type: parent }: Part,
    type: GraphQLObjectType,
    fields: Map<string, Map<GraphQLObjectType, Occurrence[]>>,
    when = '',
  ): void {
    if (!applies(parent.name, type)) return;
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = responseName(selection);
        const byType = fields.get(name) ?? new Map<GraphQLObjectType, Occurrence[]>();
        fields.set(name, byType);
        const definition = 'getFields' in parent ? parent.getFields()[selection.name.value] : undefined;
        const of = definition && getNamedType(definition.type);
        const occurrence = { field: selection, type: isCompositeType(of) ? of : undefined, when };
        byType.set(type, [...(byType.get(type) ?? []), occurrence]);
      } else {
        const fragment = fragmentOf(selection);
        const condition = fragment.typeCondition ? schema.getType(fragment.typeCondition.name.value) : parent;
        const conditions = when + (selection.directives ?? []).map(print).join('');
        if (isCompositeType(condition))
          collect({ selectionSet: fragment.selectionSet, type: condition }, type, fields, conditions);
      }
    }
  }

  /** Groups the types with a field by equal selections; undefined where they need not be kept apart. */
  function groupsApart(
    byType: ReadonlyMap<GraphQLObjectType, readonly Occurrence[]>,
    types: readonly GraphQLObjectType[],
  ): GraphQLObjectType[][] | undefined {
    const isOfInterfaceObject = isOneOf(byType, interfaceObjectFields);
    const groups = new Map<string, GraphQLObjectType[]>();
    for (const [type, occurrences] of byType) {
      const texts = occurrences.map(({ field, when }) => (isOfInterfaceObject ? when : '') + print(field));
      const text = [...new Set(texts)].join();
      groups.set(text, [...(groups.get(text) ?? []), type]);
    }
    // The planner would fetch it for the types without it, too.
    if (isOfInterfaceObject && byType.size < types.length) return [...groups.values()];
    if (groups.size === 1) return undefined;
    const all = [...byType.values()].flat();
    const isLeaf = all.every(({ type }) => type === undefined);
    // Keys are fetched for all types anyway, but not under the name of another field.
    const isKeyOrOther =
      new Set(all.map(({ field }) => field.name.value)).size > 1 && isOneOf(byType, interfaceObjectKeys);
    return !isLeaf || isOfInterfaceObject || isKeyOrOther ? [...groups.values()] : undefined;
  }

  /** Whether any of these occurrences is an interface field with one of these coordinates. */
  function isOneOf(
    byType: ReadonlyMap<GraphQLObjectType, readonly Occurrence[]>,
    coordinates: ReadonlySet<string>,
  ): boolean {
    return [...byType].some(([type, occurrences]) =>
      type
        .getInterfaces()
        .some(({ name }) => occurrences.some(({ field }) => coordinates.has(`${name}.${field.name.value}`))),
    );
  }

  function typedName(original: string, types: readonly GraphQLObjectType[]): string {
    let number = names.size + 1;
    while (taken.has(`${original}__type${number}`)) number++;
    const name = `${original}__type${number}`;
    taken.add(name);
    names.set(name, { original, types: new Set(types.map((type) => type.name)) });
    return name;
  }

  function fragmentOf(
    selection: Exclude<SelectionNode, FieldNode>,
  ): Pick<FragmentDefinitionNode, 'selectionSet'> & Partial<Pick<FragmentDefinitionNode, 'typeCondition'>> {
    return selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
  }

  function applies(condition: string, type: GraphQLObjectType): boolean {
    const wanted = schema.getType(condition);
    return wanted === type || (isAbstractType(wanted) && schema.isSubType(wanted, type));
  }

  function possible(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
  }
}

interface Part {
  readonly selectionSet: SelectionSetNode;
  /** The type on which it selects. */
  readonly type: GraphQLCompositeType;
}

interface Occurrence {
  readonly field: FieldNode;
  /** The type of its objects; undefined for leaves. */
  readonly type: GraphQLCompositeType | undefined;
  /** The directives around it. */
  readonly when: string;
}

const responseName = (node: FieldNode): string => (node.alias ?? node.name).value;

const nameNode = (value: string) => ({ kind: Kind.NAME, value }) as const;

const typename: FieldNode = { kind: Kind.FIELD, name: nameNode('__typename') };

/** Adds `__typename`: all fields that are kept apart must select it, as the engine expects it per position. */
const withTypename = (
  selectionSet: SelectionSetNode | undefined,
  type: GraphQLCompositeType | undefined,
): SelectionSetNode | undefined =>
  selectionSet && isAbstractType(type)
    ? { ...selectionSet, selections: [typename, ...selectionSet.selections] }
    : selectionSet;

const inlineFragment = (
  selections: SelectionNode[],
  condition: string | undefined,
  directives: SelectionNode['directives'] = [],
): SelectionNode => ({
  kind: Kind.INLINE_FRAGMENT,
  ...(condition !== undefined && { typeCondition: { kind: Kind.NAMED_TYPE, name: nameNode(condition) } }),
  directives,
  selectionSet: { kind: Kind.SELECTION_SET, selections },
});
