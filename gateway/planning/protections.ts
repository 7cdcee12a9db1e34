import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type NamedTypeNode,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { applied, argumentsOf, namedTypeOf } from '../../schema/supergraph/sdl';

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

/** The names of the directives in a supergraph, which may rename imports; undefined for one that it does not import. */
export interface DirectiveNames {
  readonly authenticated: string | undefined;
  readonly requiresScopes: string | undefined;
  readonly policy: string | undefined;
  readonly context: string | undefined;
  readonly inaccessible: string | undefined;
}

/**
 * Reads the access rules of a supergraph. Composition joins the requirements of all subgraphs on an element, and adds
 * the requirements of implementations to their interfaces. Older composition did not, and a supergraph does not name
 * its composer. So a requirement of an interface that its implementations do not explain applies to them too, and the
 * fields that a field requires are always followed.
 */
export function protectionsOf({ definitions }: DocumentNode, names: DirectiveNames): Protections {
  const types = new Map<string, TypeFacts>();
  for (const definition of definitions) {
    switch (definition.kind) {
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_DEFINITION:
        types.set(definition.name.value, { ...definition, name: definition.name.value });
        break;
      case Kind.ENUM_TYPE_DEFINITION:
      case Kind.SCALAR_TYPE_DEFINITION:
        types.set(definition.name.value, {
          kind: definition.kind,
          name: definition.name.value,
          directives: definition.directives,
        });
        break;
      default:
    }
  }
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
    ...selectedFields(types, names),
    hiddenFields: hiddenFieldsOf(types, names),
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
  { authenticated, requiresScopes, policy }: DirectiveNames,
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

/** The elements that `join` directives select: in keys, `@requires` and `@fromContext` arguments. */
function selectedFields(
  types: ReadonlyMap<string, TypeFacts>,
  names: DirectiveNames,
): Pick<Protections, 'sources' | 'keys' | 'interfaceObjects'> {
  const sources = new Map<string, string[]>();
  const keys = new Map<string, string[]>();
  const interfaceObjects = new Set<string>();
  for (const { name, directives = [], fields = [] } of types.values()) {
    const inKeys = new Set<string>();
    for (const { key, isInterfaceObject } of applied({ directives }, 'join__type') as JoinType[]) {
      if (key !== undefined) gather(`{ ${key} }`, name, inKeys);
      if (isInterfaceObject === true) interfaceObjects.add(name);
    }
    if (inKeys.size > 0) keys.set(name, [...inKeys]);
    for (const field of fields) {
      const found = new Set<string>();
      for (const join of applied(field, 'join__field') as JoinField[]) {
        if (join.requires !== undefined) gather(`{ ${join.requires} }`, name, found);
        for (const { context, selection } of join.contextArguments ?? [])
          for (const type of typesThatSet(context)) {
            found.add(type);
            gather(selection, type, found);
          }
      }
      if (found.size > 0) sources.set(`${name}.${field.name.value}`, [...found]);
    }
  }
  return { sources, keys, interfaceObjects };

  function gather(selection: string, type: string, found: Set<string>): void {
    const [definition] = parse(selection, { noLocation: true }).definitions;
    if (definition?.kind === Kind.OPERATION_DEFINITION) select(definition.selectionSet, type, found);
  }

  function select({ selections }: SelectionSetNode, type: string, found: Set<string>): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (condition !== undefined) found.add(condition);
        select(selection.selectionSet, condition ?? type, found);
        continue;
      }
      const field = types.get(type)?.fields?.find((one) => one.name.value === selection.name.value);
      if (field === undefined) continue;
      found.add(`${type}.${field.name.value}`);
      if (selection.selectionSet !== undefined)
        select(selection.selectionSet, namedTypeOf(field.type), found);
    }
  }

  function typesThatSet(context: string): string[] {
    const directive = names.context;
    if (directive === undefined) return [];
    return [...types.values()]
      .filter((type) => applied(type, directive).some((set) => set['name'] === context))
      .map(({ name }) => name);
  }
}

interface JoinType {
  readonly key?: string | undefined;
  readonly isInterfaceObject?: boolean | undefined;
}

interface JoinField {
  readonly requires?: string | undefined;
  readonly contextArguments?: readonly { readonly context: string; readonly selection: string }[] | undefined;
}

function hiddenFieldsOf(
  types: ReadonlyMap<string, TypeFacts>,
  { inaccessible }: DirectiveNames,
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
