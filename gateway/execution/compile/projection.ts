/**
 * How the response to the client's operation is written: for each object type its fields in order, where each field is
 * found in the merged response, and how its value is completed.
 *
 * Compiled once per combination of the variables that `@skip` and `@include` depend on, so that writing decides nothing
 * per field. The fields of a type are compiled when its first object comes: selections on interfaces have too many
 * combinations to compile them all ahead. Longer than other files: the functions for objects, fields and values call
 * one another.
 */
import {
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLFieldMap,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from 'graphql';
import { ESCAPED, FALSE, FLOAT, INT, LONG, NULL, RAW, STRING, TRUE } from '../json/tape';
import { type Deferral, type DeferredSelection, type DeferUsage, type DeferUsages } from './defer';
import { type FieldAccess, type ResponsePosition, type TypeSource } from './response-position';
import { type FieldRefusals } from './refusals';
import { type GrowingSize, sizeOfFields } from '../size';
import { type TypeTable } from './type-table';

/** The `@inaccessible` values of enums that clients see, by the enum's name. */
export type InaccessibleValues = ReadonlyMap<string, readonly string[]>;

/** The facts that the fields of a projection are compiled from. */
export interface ProjectionSource {
  readonly schema: GraphQLSchema;
  readonly types: TypeTable;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The values of the Boolean variables that directives refer to. */
  readonly conditions: Readonly<Record<string, boolean>>;
  readonly refusals: FieldRefusals | undefined;
  readonly inaccessibleValues: InaccessibleValues | undefined;
  /** Whether one of these fetches calls a subgraph that defines the interface as `@interfaceObject`. */
  readonly isInterfaceObject: (name: string, fetches: ReadonlySet<number>) => boolean;
  /** A number for the next object projection of a variant, so that a record can hold which one wrote it. */
  readonly nextId: () => number;
  readonly size: GrowingSize;
  /** How the response is cut; undefined where it is written as a whole. */
  readonly deferral: Deferral | undefined;
}

/** A selection set, and the type that the client selects on. */
interface Selections {
  readonly on: GraphQLCompositeType;
  readonly selectionSet: SelectionSetNode;
  /** The innermost deferred fragment around it. */
  readonly usage: DeferUsage | undefined;
}

/** A field, and the type that it was selected on. */
export interface ProjectedField {
  readonly on: GraphQLCompositeType;
  readonly node: FieldNode;
  /** The innermost deferred fragment around it. */
  readonly usage: DeferUsage | undefined;
}

/** How objects at one position of the response are written. */
export class ObjectProjection {
  /** Identifies it within its variant; 0 if the numbers have run out. */
  readonly id: number;
  readonly returnType: GraphQLCompositeType;
  /** The type number if `returnType` is an object type, else 0. */
  readonly staticType: number;
  readonly typeSource: TypeSource | undefined;
  /** Whether any fetch asks for the type, under these conditions. */
  readonly isTypeRequested: boolean;
  /** The fields by type number; undefined for impossible types and for types not compiled yet. */
  readonly #fields: (FieldProjection[] | undefined)[] = [];
  readonly #source: ProjectionSource;
  readonly #position: ResponsePosition | undefined;
  readonly #selections: readonly Selections[];
  /** The deferred fragments that its objects are sent with. */
  readonly #usages: DeferUsages;

  constructor(
    source: ProjectionSource,
    position: ResponsePosition | undefined,
    returnType: GraphQLCompositeType,
    selections: readonly Selections[],
    usages: DeferUsages,
  ) {
    this.#usages = usages;
    this.id = source.nextId();
    this.returnType = returnType;
    this.staticType = isObjectType(returnType) ? source.types.idOf(returnType.name) : 0;
    this.typeSource = position?.typeSource();
    this.isTypeRequested = position?.isRequested('__typename', source.conditions) ?? false;
    this.#source = source;
    this.#position = position;
    this.#selections = selections;
  }

  /**
   * The fields of an object of this type; undefined if the type is impossible here. For type 0, and for an interface
   * named by a subgraph with an `@interfaceObject`, also undefined where the selection depends on the object type.
   */
  fieldsOf(type: number): FieldProjection[] | undefined {
    return this.#fields[type] ?? this.#compile(type);
  }

  /** The response names that the client has for the fields of its objects, and below, whatever their types. */
  responseNames(): ReadonlySet<string> {
    const names = new Set<string>();
    const spread = new Set<string>();
    const left = this.#selections.map(({ selectionSet }) => selectionSet);
    // The loop also visits those that it adds.
    for (const { selections } of left)
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) names.add((selection.alias ?? selection.name).value);
        else if (selection.kind === Kind.FRAGMENT_SPREAD) {
          const name = selection.name.value;
          if (!spread.has(name)) left.push(this.#source.fragments.get(name)!.selectionSet);
          spread.add(name);
        }
        if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet !== undefined)
          left.push(selection.selectionSet);
      }
    return names;
  }

  /** Where an object's `__typename` is found; undefined if no fetch asks for it. */
  get typename(): FieldAccess | undefined {
    return this.#position?.access(TypeNameMetaFieldDef.name);
  }

  /** The numbers of the fetches that ask for the `__typename` of its objects. */
  get typedBy(): ReadonlySet<number> {
    return this.#position?.typedBy ?? nobody;
  }

  /** Whether objects of this type may stand here although the type is `@inaccessible`. */
  isInaccessible(type: number): boolean {
    const { schema, types } = this.#source;
    return (
      types.isObject(type) &&
      schema.getType(types.nameOf(type)) === undefined &&
      types.matching(this.returnType.name)[type] === 1
    );
  }

  /** Whether the caller may see no object of this type. */
  isForbidden(type: number): boolean {
    return type > 0 && this.#source.refusals?.isForbidden(this.nameOf(type)) === true;
  }

  nameOf(type: number): string {
    return this.#source.types.nameOf(type);
  }

  #compile(typeId: number): FieldProjection[] | undefined {
    const { returnType } = this;
    const { schema, types } = this.#source;
    const named = typeId === 0 ? returnType : schema.getType(types.nameOf(typeId));
    if (!isCompositeType(named)) return undefined;
    if (isAbstractType(returnType) && isObjectType(named)) {
      if (!schema.isSubType(returnType, named)) return undefined;
    } else if (isAbstractType(named) && isAbstractType(returnType)) {
      // An interface counts as an object's type only from a subgraph that defines it as `@interfaceObject`.
      if (typeId !== 0 && !this.#source.isInterfaceObject(named.name, this.typedBy)) return undefined;
      if (types.matching(returnType.name)[types.idOf(named.name)] !== 1) return undefined;
    } else if (named !== returnType) return undefined;
    if (isAbstractType(returnType) && this.isForbidden(typeId)) return undefined;
    const type = isObjectType(named) ? named : returnType;
    const grouped = new Map<string, ProjectedField[]>();
    const found = new Set<DeferUsage>();
    for (const selections of this.#selections)
      if (!this.#collect(type, selections, grouped, new Set(), found)) return undefined;
    const names = [...grouped.values()].flatMap((all) => all.map(({ node }) => node.name.value));
    if (this.#source.refusals?.dependsOnType(type.name, names) === true) return undefined;
    const compiled = (some: ReadonlyMap<string, readonly ProjectedField[]>, usages: DeferUsages) =>
      [...some].map(([responseKey, nodes]) =>
        compileField({
          ...{ source: this.#source, position: this.#position, parentType: type, parentTypeId: typeId },
          ...{ responseKey, selected: nodes, usages },
        }),
      );
    const cut = this.#source.deferral?.cut(grouped, this.#usages);
    const fields = compiled(cut?.now ?? grouped, this.#usages);
    if (cut !== undefined && (cut.later.length > 0 || found.size > 0)) {
      const later = cut.later.map(({ usages, owners, fields: some }) => ({
        ...{ usages, owners },
        fields: compiled(some, usages),
      }));
      fields.unshift(deferredField({ usages: [...found], later }));
    }
    this.#fields[typeId] = fields;
    this.#source.size.add(sizeOfFields(fields.length));
    return fields;
  }

  /** GraphQL, section 6.3.2, "Field Collection". False where an abstract `type` leaves the fields open. */
  #collect(
    type: GraphQLCompositeType,
    { on, selectionSet: { selections }, usage: around }: Selections,
    grouped: Map<string, ProjectedField[]>,
    visited: Set<string>,
    found: Set<DeferUsage>,
  ): boolean {
    const { schema, fragments, conditions, deferral } = this.#source;
    for (const selection of selections) {
      if (isLeftOut(selection, conditions)) continue;
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value === TypeNameMetaFieldDef.name && !isObjectType(type)) return false;
        const key = selection.alias?.value ?? selection.name.value;
        const nodes = grouped.get(key);
        if (nodes === undefined) grouped.set(key, [{ on, node: selection, usage: around }]);
        else nodes.push({ on, node: selection, usage: around });
        continue;
      }
      const usage = deferral?.usageOf(this.#position, selection, around);
      let fragment: {
        typeCondition?: { name: { value: string } } | undefined;
        selectionSet: SelectionSetNode;
      };
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value;
        const spread = usage === undefined ? name : `${name} ${usage.index}`;
        if (visited.has(spread)) continue;
        visited.add(spread);
        fragment = fragments.get(name)!;
      } else fragment = selection;
      const condition = fragment.typeCondition?.name.value;
      const conditionType = condition === undefined ? on : schema.getType(condition);
      if (condition !== undefined && condition !== type.name) {
        const applies =
          isAbstractType(conditionType) && !isUnionType(type) && schema.isSubType(conditionType, type);
        if (!applies && isObjectType(type)) continue;
        if (!applies) {
          if (this.#selectsAnything(fragment.selectionSet)) return false;
          continue;
        }
      }
      if (usage !== undefined && usage !== around) found.add(usage);
      const below = { on: conditionType as GraphQLCompositeType, selectionSet: fragment.selectionSet, usage };
      if (!this.#collect(type, below, grouped, visited, found)) return false;
    }
    return true;
  }

  /** Whether `@skip` and `@include` leave any field in the selection, for any type. */
  #selectsAnything({ selections }: SelectionSetNode): boolean {
    const { fragments, conditions } = this.#source;
    return selections.some((selection) => {
      if (isLeftOut(selection, conditions)) return false;
      if (selection.kind === Kind.FIELD) return true;
      const { selectionSet } =
        selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value)! : selection;
      return this.#selectsAnything(selectionSet);
    });
  }
}

export function isLeftOut(selection: SelectionNode, conditions: Readonly<Record<string, boolean>>): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, conditions)?.['if'] === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, conditions)?.['if'] === false
  );
}

/** How one field of an object is written. */
export interface FieldProjection {
  readonly responseKey: string;
  /** Comma, name and colon. */
  readonly key: Buffer;
  /** The kinds of a value that is written as it stands. */
  readonly accepts: number;
  /** Where the value is, if there is a single candidate (see `Access`). */
  readonly join: number;
  readonly slot: number;
  /** Undefined if there is a single candidate, or none. */
  readonly access: FieldAccess | undefined;
  readonly isAnswered: boolean;
  /** The numbers of the fetches that ask for it. */
  readonly answeredBy: ReadonlySet<number>;
  readonly value: ValueProjection;
  /** Bytes that do not depend on any answer. */
  readonly constant: Buffer | undefined;
  /** Whether the caller may not see it. */
  readonly isRefused: boolean;
  /** Whether no fetch of the plan asks for it under these conditions, though the client does. */
  readonly isUnplanned: boolean;
  /**
   * What no fetch answers: the nodes of a `__schema` or `__type`, which is answered from the API schema, or the parts of
   * the object that are sent later, for which nothing is written.
   */
  readonly special: readonly FieldNode[] | DeferredSelection | undefined;
  /** `Type.field`, for messages. */
  readonly coordinate: string;
}

/** How a value is completed: GraphQL, section 6.4.3. */
export interface ValueProjection {
  readonly isNonNull: boolean;
  /** The kinds of a value that is written as it stands. */
  readonly accepts: number;
  /** Exactly one of these is set. */
  readonly item: ValueProjection | undefined;
  readonly object: ObjectProjection | undefined;
  readonly leaf: LeafProjection | undefined;
}

export interface LeafProjection {
  readonly type: GraphQLLeafType;
  /** The values of an enum as JSON, in UTF-8. */
  readonly values: readonly Buffer[] | undefined;
  /** The `@inaccessible` values of an enum. */
  readonly inaccessible: readonly string[] | undefined;
}

interface FieldFacts {
  readonly source: ProjectionSource;
  readonly position: ResponsePosition | undefined;
  readonly parentType: GraphQLCompositeType;
  readonly parentTypeId: number;
  readonly responseKey: string;
  readonly selected: readonly ProjectedField[];
  readonly usages: DeferUsages;
}

function compileField(facts: FieldFacts): FieldProjection {
  const { source, position, parentType, parentTypeId, responseKey, selected, usages } = facts;
  const fieldName = selected[0]!.node.name.value;
  const isRoot = parentType === source.schema.getQueryType();
  const introspection = isRoot ? introspectionFields.get(fieldName) : undefined;
  const isTypename = fieldName === TypeNameMetaFieldDef.name;
  const { type } = isTypename
    ? TypeNameMetaFieldDef
    : (introspection ?? fieldsByName(parentType)[fieldName]!);
  const isMeta = isTypename || introspection !== undefined;
  const isRefused =
    !isMeta &&
    source.refusals !== undefined &&
    [...selected.map(({ on }) => on), parentType].some((on) =>
      source.refusals!.isRefused(on.name, fieldName),
    );
  const access = isMeta || isRefused ? undefined : position?.access(responseKey);
  const isSimple = access?.merged === undefined && access?.candidates.length === 1;
  const { child, answeredBy = nobody } = position?.fields.get(responseKey) ?? {};
  const value = introspection === undefined ? compileValue(source, child, type, selected, usages) : nothing;
  return {
    responseKey,
    key: Buffer.from(`,${JSON.stringify(responseKey)}:`),
    accepts: value.accepts,
    join: isSimple ? access.join : 0,
    slot: isSimple ? access.slot : 0,
    access: isSimple ? undefined : access,
    isAnswered: access !== undefined,
    answeredBy,
    value,
    isRefused,
    isUnplanned: !isMeta && !isRefused && !isPlanned(facts),
    constant: isTypename ? source.types.quotedName(parentTypeId) : undefined,
    special: introspection === undefined ? undefined : selected.map(({ node }) => node),
    coordinate: `${parentType.name}.${fieldName}`,
  };
}

function isPlanned({ source, position, parentTypeId, responseKey }: FieldFacts): boolean {
  if (position?.isRequested(responseKey, source.conditions) !== true) return false;
  return !source.types.isObject(parentTypeId) || position.isRequestedOf(parentTypeId, responseKey);
}

/** Stands before the fields of an object of which parts are sent later. */
const deferredField = (special: DeferredSelection): FieldProjection => ({
  responseKey: '',
  key: Buffer.alloc(0),
  accepts: 0,
  join: 0,
  slot: 0,
  access: undefined,
  isAnswered: false,
  answeredBy: nobody,
  value: nothing,
  constant: undefined,
  isRefused: false,
  isUnplanned: false,
  special,
  coordinate: '',
});

const nobody: ReadonlySet<number> = new Set();

/** The named type of a field. An interface's field may have a wider type than the implementation's. */
function namedTypeOf(type: GraphQLCompositeType, field: string): GraphQLCompositeType | undefined {
  const found = fieldsByName(type)[field];
  return found && (getNamedType(found.type) as GraphQLCompositeType);
}

function fieldsByName(type: GraphQLCompositeType): GraphQLFieldMap<unknown, unknown> {
  return isUnionType(type) ? {} : type.getFields();
}

const introspectionFields = new Map(
  [SchemaMetaFieldDef, TypeMetaFieldDef].map((definition) => [definition.name, definition]),
);

/** The value of a field that is not found in any answer. */
const nothing: ValueProjection = {
  isNonNull: false,
  accepts: 0,
  item: undefined,
  object: undefined,
  leaf: undefined,
};

function compileValue(
  source: ProjectionSource,
  position: ResponsePosition | undefined,
  type: GraphQLOutputType,
  selected: readonly ProjectedField[],
  usages: DeferUsages,
): ValueProjection {
  const isNonNull = isNonNullType(type);
  const nullable = getNullableType(type);
  const value = { isNonNull, accepts: 0, item: undefined, object: undefined, leaf: undefined };
  if (isListType(nullable))
    return { ...value, item: compileValue(source, position, nullable.ofType, selected, usages) };
  if (isCompositeType(nullable)) {
    const selections = selected.flatMap(({ on, node: { name, selectionSet }, usage }) =>
      selectionSet === undefined ? [] : { on: namedTypeOf(on, name.value) ?? nullable, selectionSet, usage },
    );
    return { ...value, object: new ObjectProjection(source, position, nullable, selections, usages) };
  }
  const leafType = getNamedType(type) as GraphQLLeafType;
  const values = isEnumType(leafType)
    ? leafType.getValues().map(({ name }) => Buffer.from(JSON.stringify(name)))
    : undefined;
  const inaccessible = source.inaccessibleValues?.get(leafType.name);
  const accepts = acceptedKinds(leafType) | (isNonNull ? 0 : 1 << NULL);
  return { ...value, accepts, leaf: { type: leafType, values, inaccessible } };
}

/** The kinds of JSON values that the type takes without coercion. */
function acceptedKinds(type: GraphQLLeafType): number {
  if (isEnumType(type)) return 0;
  if (!isSpecifiedScalarType(type)) return kinds(FALSE, TRUE, INT, LONG, FLOAT, STRING, ESCAPED, RAW);
  switch (type.name) {
    case 'Int':
      return kinds(INT);
    case 'Float':
      return kinds(INT, LONG, FLOAT);
    case 'Boolean':
      return kinds(FALSE, TRUE);
    default:
      return kinds(STRING, ESCAPED);
  }
}

function kinds(...all: number[]): number {
  return all.reduce((set, kind) => set | (1 << kind), 0);
}

/** More than any program has. */
export const idsPerProgram = 2 ** 16;
