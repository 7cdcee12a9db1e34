/** Which elements of a supergraph are for some callers only, and which others are computed from these. */
import { type DocumentNode, isTypeDefinitionNode, Kind } from 'graphql';
import { type SlicedWork } from '../../schema/supergraph/sliced-work';
import { remembered } from './maps';
import { type Selection } from './selections';
import { type Annotated, applied, namedTypeOf } from '../../schema/supergraph/sdl';
import { type Features } from '../../schema/supergraph/features';
import { type IndexedType, isInterfaceObject, type SupergraphIndex } from './supergraph-index';

/** A requirement on callers: to be authenticated, or to have all scopes or policies of one alternative in `anyOf`. */
export type Requirement =
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'scopes' | 'policies'; readonly anyOf: readonly (readonly string[])[] };

/** The access rules of a supergraph. Elements are named by coordinates, `Type` or `Type.field`. */
export interface Protections {
  readonly requirements: readonly Requirement[];
  /** The requirements of each protected element, as indexes into `requirements`. */
  readonly elements: ReadonlyMap<string, readonly number[]>;
  /** The elements that a field is computed from: selected by its `@requires` and its `@fromContext` arguments. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  /** The elements that the keys of a type select. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** Interfaces that some subgraph defines as `@interfaceObject`: it does not distinguish the implementations. */
  readonly interfaceObjects: ReadonlySet<string>;
  /** The types of `@inaccessible` fields, which plans may still fetch. */
  readonly hiddenFields: ReadonlyMap<string, string>;
}

/**
 * Reads the access rules of a supergraph. Composition joins the requirements of all subgraphs on an element, and adds
 * the requirements of implementations to their interfaces. Older composition did not, and a supergraph does not name
 * its composer. So a requirement of an interface that its implementations do not explain applies to them too, and the
 * fields that a field requires are always followed.
 */
export function* protectionsOf(
  { definitions }: DocumentNode,
  features: Features,
  index: SupergraphIndex,
): SlicedWork<Protections> {
  const authenticated = features.directiveOf('authenticated');
  const requiresScopes = features.directiveOf('requiresScopes');
  const policy = features.directiveOf('policy');
  const inaccessible = features.directiveOf('inaccessible');
  const isHidden = (node: Annotated): boolean => applied(node, inaccessible).length > 0;
  const requirementsOf = (node: Annotated): readonly Requirement[] => [
    ...applied(node, authenticated).map((): Requirement => ({ kind: 'authenticated' })),
    ...applied(node, requiresScopes).map(({ scopes }) => anyOf('scopes', scopes)),
    ...applied(node, policy).map(({ policies }) => anyOf('policies', policies)),
  ];
  const required = new Map<string, Requirement[]>();
  const hiddenFields = new Map<string, string>();
  const add = (coordinate: string, more: readonly Requirement[]): void => {
    if (more.length > 0) required.set(coordinate, [...(required.get(coordinate) ?? []), ...more]);
  };
  for (const type of definitions) {
    if (!isTypeDefinitionNode(type)) continue;
    add(type.name.value, requirementsOf(type));
    if (type.kind === Kind.OBJECT_TYPE_DEFINITION || type.kind === Kind.INTERFACE_TYPE_DEFINITION)
      for (const field of type.fields ?? []) {
        const coordinate = `${type.name.value}.${field.name.value}`;
        add(coordinate, requirementsOf(field));
        if (isHidden(type) || isHidden(field)) hiddenFields.set(coordinate, namedTypeOf(field.type));
      }
    yield;
  }
  for (const [coordinate, inherited] of [...inheritance(index, required)]) add(coordinate, inherited);
  return { ...numbered(required), ...(yield* selectedFields(index)), hiddenFields };
}

const anyOf = (kind: 'scopes' | 'policies', names: unknown): Requirement => ({
  kind,
  anyOf: names as string[][],
});

/** For each implementation, the requirements of its interfaces that no implementation explains. */
function* inheritance(
  { types }: SupergraphIndex,
  required: ReadonlyMap<string, readonly Requirement[]>,
): Iterable<readonly [coordinate: string, Requirement[]]> {
  if (required.size === 0) return;
  for (const { name, kind, fields } of types.values()) {
    if (kind !== 'interface') continue;
    const all = [...types.values()].filter(({ interfaces }) => interfaces.has(name));
    for (const suffix of ['', ...Array.from(fields.keys(), (field) => `.${field}`)]) {
      const own = required.get(name + suffix);
      if (own === undefined) continue;
      const theirs = all.flatMap((type) =>
        type.kind === 'object' ? (required.get(type.name + suffix) ?? []) : [],
      );
      const unexplained = own.filter((requirement) => !follows(requirement, theirs));
      if (unexplained.length > 0) for (const type of all) yield [type.name + suffix, unexplained];
    }
  }
}

/** Whether every caller that meets all of these requirements meets this one too. */
function follows(requirement: Requirement, all: readonly Requirement[]): boolean {
  if (requirement.kind === 'authenticated') return all.some(({ kind }) => kind === 'authenticated');
  let ways: (readonly string[])[] = [[]];
  for (const one of all) {
    if (one.kind !== requirement.kind || one.anyOf.length === 0) continue;
    ways = withoutLonger(ways.flatMap((way) => one.anyOf.map((more) => [...new Set([...way, ...more])])));
  }
  const { anyOf } = requirement;
  return (
    anyOf.length === 0 ||
    ways.every((way) => anyOf.some((wanted) => wanted.every((name) => way.includes(name))))
  );
}

/** Drops alternatives that contain all names of another one. */
function withoutLonger(ways: readonly (readonly string[])[]): (readonly string[])[] {
  const kept: (readonly string[])[] = [];
  for (const way of ways.toSorted((a, b) => a.length - b.length))
    if (!kept.some((shorter) => shorter.every((name) => way.includes(name)))) kept.push(way);
  return kept;
}

/** Numbers the distinct requirements. */
function numbered(
  required: ReadonlyMap<string, readonly Requirement[]>,
): Pick<Protections, 'requirements' | 'elements'> {
  const numbers = new Map<string, number>();
  const requirements: Requirement[] = [];
  const numberOf = (requirement: Requirement): number =>
    remembered(numbers, requirementLabel(requirement), () => requirements.push(requirement) - 1);
  const elements = new Map(
    Array.from(required, ([coordinate, all]) => [coordinate, [...new Set(all.map(numberOf))]]),
  );
  return { requirements, elements };
}

/** A label that is unique to a requirement, in any supergraph. */
export const requirementLabel = (requirement: Requirement): string =>
  requirement.kind === 'authenticated'
    ? 'authenticated'
    : `${requirement.kind} ${JSON.stringify(requirement.anyOf)}`;

/** The elements that keys, `@requires` and `@fromContext` arguments select. */
function* selectedFields({
  types,
}: SupergraphIndex): SlicedWork<Pick<Protections, 'sources' | 'keys' | 'interfaceObjects'>> {
  const sources = new Map<string, string[]>();
  const keys = new Map<string, string[]>();
  const interfaceObjects = new Set<string>();
  for (const type of types.values()) {
    const inKeys = new Set<string>();
    for (const [subgraph, join] of type.joins) {
      for (const { selection } of join.keys) select(selection, type, inKeys);
      if (isInterfaceObject(type, subgraph)) interfaceObjects.add(type.name);
    }
    if (inKeys.size > 0) keys.set(type.name, [...inKeys]);
    for (const { name, joins } of type.fields.values()) {
      const found = new Set<string>();
      for (const { contextArguments, requires = [] } of joins.values()) {
        select(requires, type, found);
        for (const { context, selection } of contextArguments)
          for (const setter of types.values()) {
            if (!setter.contexts.includes(context)) continue;
            found.add(setter.name);
            select(selection, setter, found);
          }
      }
      if (found.size > 0) sources.set(`${type.name}.${name}`, [...found]);
    }
    yield;
  }
  return { sources, keys, interfaceObjects };

  function select(selection: Selection, type: IndexedType | undefined, found: Set<string>): void {
    for (const item of selection) {
      if (item.kind === 'fragment') {
        if (item.on !== undefined) found.add(item.on);
        select(item.selection, item.on === undefined ? type : types.get(item.on), found);
        continue;
      }
      const field = type?.fields.get(item.name);
      if (field === undefined) continue;
      found.add(`${type!.name}.${item.name}`);
      if (item.selection !== undefined) select(item.selection, types.get(field.namedType), found);
    }
  }
}
