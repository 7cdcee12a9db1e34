/** Which elements of a supergraph are for some callers only, and which others are computed from these. */
import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type NamedTypeNode,
} from 'graphql';
import { type Selection } from './selections/selection';
import { argumentsOf, namedTypeOf } from '../../schema/supergraph/sdl';
import { type Features } from '../../schema/supergraph/features';
import {
  type IndexedType,
  isInterfaceObject,
  type SupergraphIndex,
} from './supergraph-index/supergraph-index';

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
  /** Interfaces that some subgraph defines as `@interfaceObject`: it does not tell the implementations apart. */
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
export function protectionsOf(
  { definitions }: DocumentNode,
  features: Features,
  index: SupergraphIndex,
): Protections {
  const types = new Map<string, TypeFacts>();
  for (const definition of definitions) {
    const { kind } = definition;
    if (kind === Kind.OBJECT_TYPE_DEFINITION || kind === Kind.INTERFACE_TYPE_DEFINITION)
      types.set(definition.name.value, { ...definition, name: definition.name.value });
    else if (kind === Kind.ENUM_TYPE_DEFINITION || kind === Kind.SCALAR_TYPE_DEFINITION) {
      const { directives, name } = definition;
      types.set(name.value, { kind, name: name.value, directives });
    }
  }
  const names = {
    authenticated: features.directiveOf('authenticated'),
    requiresScopes: features.directiveOf('requiresScopes'),
    policy: features.directiveOf('policy'),
  };
  const asked = new Map<string, Requirement[]>();
  const add = (coordinate: string, more: readonly Requirement[]): void => {
    if (more.length > 0) asked.set(coordinate, [...(asked.get(coordinate) ?? []), ...more]);
  };
  for (const type of types.values()) {
    add(type.name, readRequirements(type.directives, names));
    for (const field of type.fields ?? [])
      add(`${type.name}.${field.name.value}`, readRequirements(field.directives, names));
  }
  for (const [coordinate, inherited] of inheritance(types, asked)) add(coordinate, inherited);
  return {
    ...numbered(asked),
    ...selectedFields(index),
    hiddenFields: hiddenFieldsOf(types, features.directiveOf('inaccessible')),
  };
}

interface TypeFacts {
  readonly kind: Kind;
  readonly name: string;
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
  readonly fields?: readonly FieldDefinitionNode[] | undefined;
  readonly interfaces?: readonly NamedTypeNode[] | undefined;
}

function readRequirements(
  directives: readonly ConstDirectiveNode[] = [],
  {
    authenticated,
    requiresScopes,
    policy,
  }: Record<'authenticated' | 'requiresScopes' | 'policy', string | undefined>,
): Requirement[] {
  return directives.flatMap((directive): Requirement[] => {
    switch (directive.name.value) {
      case authenticated:
        return [{ kind: 'authenticated' }];
      case requiresScopes:
        return [{ kind: 'scopes', anyOf: argumentsOf(directive)['scopes'] as string[][] }];
      case policy:
        return [{ kind: 'policies', anyOf: argumentsOf(directive)['policies'] as string[][] }];
      default:
        return [];
    }
  });
}

/** For each implementation, the requirements of its interfaces that no implementation explains. */
function* inheritance(
  types: ReadonlyMap<string, TypeFacts>,
  asked: ReadonlyMap<string, readonly Requirement[]>,
): Iterable<[string, Requirement[]]> {
  const inherited: [string, Requirement[]][] = [];
  for (const { name, kind, fields = [] } of types.values()) {
    if (kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const all = [...types.values()].filter(({ interfaces = [] }) =>
      interfaces.some((one) => one.name.value === name),
    );
    const objects = all.filter((type) => type.kind === Kind.OBJECT_TYPE_DEFINITION);
    for (const suffix of ['', ...fields.map((field) => `.${field.name.value}`)]) {
      const own = asked.get(name + suffix);
      if (own === undefined) continue;
      const theirs = objects.flatMap((object) => asked.get(object.name + suffix) ?? []);
      const unexplained = own.filter((requirement) => !follows(requirement, theirs));
      if (unexplained.length > 0) for (const type of all) inherited.push([type.name + suffix, unexplained]);
    }
  }
  yield* inherited;
}

/** Whether every caller that meets all of these requirements meets this one too. */
function follows(requirement: Requirement, all: readonly Requirement[]): boolean {
  const same = all.filter(({ kind }) => kind === requirement.kind);
  if (requirement.kind === 'authenticated') return same.length > 0;
  let ways: (readonly string[])[] = [[]];
  for (const one of same) {
    if (one.kind === 'authenticated' || one.anyOf.length === 0) continue;
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
  for (const way of ways.toSorted((a, b) => a.length - b.length)) {
    if (!kept.some((shorter) => shorter.every((name) => way.includes(name)))) kept.push(way);
  }
  return kept;
}

/** Numbers the distinct requirements. */
function numbered(
  asked: ReadonlyMap<string, readonly Requirement[]>,
): Pick<Protections, 'requirements' | 'elements'> {
  const numbers = new Map<string, number>();
  const requirements: Requirement[] = [];
  const elements = new Map<string, number[]>();
  for (const [coordinate, all] of asked) {
    const own = new Set<number>();
    for (const requirement of all) {
      const label = requirementLabel(requirement);
      let number = numbers.get(label);
      if (number === undefined) {
        numbers.set(label, (number = requirements.length));
        requirements.push(requirement);
      }
      own.add(number);
    }
    elements.set(coordinate, [...own]);
  }
  return { requirements, elements };
}

/** A label that is unique to a requirement, in any supergraph. */
export const requirementLabel = (requirement: Requirement): string =>
  requirement.kind === 'authenticated'
    ? 'authenticated'
    : `${requirement.kind} ${JSON.stringify(requirement.anyOf)}`;

/** The elements that keys, `@requires` and `@fromContext` arguments select. */
function selectedFields({
  types,
}: SupergraphIndex): Pick<Protections, 'sources' | 'keys' | 'interfaceObjects'> {
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

function hiddenFieldsOf(
  types: ReadonlyMap<string, TypeFacts>,
  inaccessible: string | undefined,
): Map<string, string> {
  const hidden = new Map<string, string>();
  const isHidden = (directives: readonly ConstDirectiveNode[] = []): boolean =>
    directives.some(({ name }) => name.value === inaccessible);
  for (const { name, directives, fields = [] } of types.values())
    for (const field of fields)
      if (isHidden(directives) || isHidden(field.directives))
        hidden.set(`${name}.${field.name.value}`, namedTypeOf(field.type));
  return hidden;
}
