import {
  type DocumentNode,
  getNamedType,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
} from 'graphql';
import type { Protections } from '../../planning';

/** The requirements that must be granted, and the fields that must not be denied, so that an element is visible. */
export interface Needs {
  /** Indexes into `Protections.requirements`. */
  readonly requirements: ReadonlySet<number>;
  /** `Type.field` */
  readonly fields: ReadonlySet<string>;
}

/** The protections of one supergraph, looked up by the types and fields of its API schema. */
export class Protection {
  readonly schema: GraphQLSchema;
  readonly facts: Protections;
  readonly #fields = new Map<string, Needs>();
  readonly #possible = new Map<string, readonly string[]>();

  constructor(facts: Protections, schema: GraphQLSchema) {
    this.facts = facts;
    this.schema = schema;
  }

  /** The requirements of an object, enum or scalar type, at any position. */
  ofType(type: string): readonly number[] {
    return this.facts.elements.get(type) ?? [];
  }

  /** The needs of a field that is selected on this type: its own, those of its type, and those of its dependencies. */
  ofField(type: string, field: string): Needs {
    const coordinate = `${type}.${field}`;
    const known = this.#fields.get(coordinate);
    if (known !== undefined) return known;
    const requirements = new Set<number>();
    const fields = new Set<string>();
    // Dependencies may have dependencies, even cyclic ones, so each is visited once.
    const seen = new Set<string>();
    const add = (of: string, name: string): void => {
      const one = `${of}.${name}`;
      if (seen.has(one)) return;
      seen.add(one);
      for (const element of [of, one, this.typeOf(of, name) ?? ''])
        for (const number of this.ofType(element)) requirements.add(number);
      for (const parent of [of, ...this.#interfacesOf(of)]) {
        fields.add(`${parent}.${name}`);
        for (const source of this.facts.sources.get(`${parent}.${name}`) ?? []) {
          const [maker, its] = source.split('.') as [string, string | undefined];
          const own = maker === parent ? of : maker;
          if (its !== undefined) add(own, its);
          else for (const number of this.ofType(own)) requirements.add(number);
        }
      }
    };
    add(type, field);
    const needs: Needs = { requirements, fields };
    this.#fields.set(coordinate, needs);
    return needs;
  }

  /** The name of a field's type, even if the field is not in the API schema. */
  typeOf(type: string, field: string): string | undefined {
    const parent = this.schema.getType(type);
    const found = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[field] : undefined;
    return found === undefined
      ? this.facts.hiddenFields.get(`${type}.${field}`)
      : getNamedType(found.type).name;
  }

  /** The possible object types of an interface or a union; empty for any other type. */
  objectsOf(type: string): readonly string[] {
    let objects = this.#possible.get(type);
    if (objects === undefined) {
      const found = this.schema.getType(type);
      objects = isAbstractType(found) ? this.schema.getPossibleTypes(found).map(({ name }) => name) : [];
      this.#possible.set(type, objects);
    }
    return objects;
  }

  /** The types on which a field may be fetched when it is selected on one of them. */
  #requestedWith(type: string, field: string): Iterable<string> {
    const requested = new Set([type, ...this.objectsOf(type)]);
    // A subgraph with an `@interfaceObject` may get calls for a field of all implementations because of some of them.
    for (const one of [...requested].flatMap((known) => this.#interfacesOf(known)))
      if (this.facts.interfaceObjects.has(one) && this.typeOf(one, field) !== undefined)
        for (const object of this.objectsOf(one)) requested.add(object);
    return requested;
  }

  #interfacesOf(type: string): string[] {
    const found = this.schema.getType(type);
    return isObjectType(found) || isInterfaceType(found) ? found.getInterfaces().map(({ name }) => name) : [];
  }

  /** The needs of a whole operation, for all possible objects. */
  ofOperation(
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ): Needs & { readonly introspects: boolean } {
    const requirements = new Set<number>();
    const fields = new Set<string>();
    const fragments = new Map(
      document.definitions.flatMap((one) =>
        one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
      ),
    );
    const spread = new Set<string>();
    const addNeeds = (needs: Needs): void => {
      for (const number of needs.requirements) requirements.add(number);
      for (const field of needs.fields) fields.add(field);
    };
    // Includes the keys by which other subgraphs are called.
    const addType = (type: string): void => {
      for (const one of [type, ...this.objectsOf(type)]) {
        for (const number of this.ofType(one)) requirements.add(number);
        for (const key of this.facts.keys.get(one) ?? []) {
          const [of, name] = key.split('.') as [string, string];
          addNeeds(this.ofField(of, name));
        }
      }
    };
    let introspects = false;
    const select = ({ selections }: SelectionSetNode, type: string): void => {
      for (const selection of selections) {
        switch (selection.kind) {
          case Kind.FIELD: {
            const name = selection.name.value;
            const below = this.typeOf(type, name);
            if (below === undefined) {
              introspects ||= name !== TypeNameMetaFieldDef.name;
              break;
            }
            for (const parent of this.#requestedWith(type, name)) addNeeds(this.ofField(parent, name));
            addType(below);
            if (selection.selectionSet !== undefined) select(selection.selectionSet, below);
            break;
          }
          case Kind.INLINE_FRAGMENT: {
            const condition = selection.typeCondition?.name.value ?? type;
            addType(condition);
            select(selection.selectionSet, condition);
            break;
          }
          case Kind.FRAGMENT_SPREAD: {
            const fragment = fragments.get(selection.name.value);
            if (fragment === undefined || spread.has(selection.name.value)) break;
            spread.add(selection.name.value);
            addType(fragment.typeCondition.name.value);
            select(fragment.selectionSet, fragment.typeCondition.name.value);
            break;
          }
          default:
            selection satisfies never;
        }
      }
    };
    select(operation.selectionSet, this.schema.getRootType(operation.operation)!.name);
    return { requirements, fields, introspects };
  }
}
