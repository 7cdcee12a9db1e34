import {
  getNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  type OperationTypeNode,
} from 'graphql';

/**
 * Numbers the composite types of a supergraph, so that the type of an object is one integer on the tape.
 *
 * 0 means that no answer gave the type; -1 means a name that the supergraph does not have.
 */
export class TypeTable {
  readonly #schema: GraphQLSchema;
  readonly #ids = new Map<string, number>();
  readonly #matching = new Map<string, Uint8Array>();
  readonly #fields = new Map<string, ReadonlyMap<string, TypedField>>();
  readonly #names: string[] = [''];
  readonly #quoted: Buffer[] = [Buffer.alloc(0)];
  readonly #objects: boolean[] = [false];

  constructor(supergraphSchema: GraphQLSchema) {
    this.#schema = supergraphSchema;
    for (const type of Object.values(supergraphSchema.getTypeMap())) {
      if (!isCompositeType(type)) continue;
      this.#ids.set(type.name, this.#names.length);
      this.#names.push(type.name);
      this.#quoted.push(Buffer.from(JSON.stringify(type.name)));
      this.#objects.push(isObjectType(type));
    }
  }

  /** One table per schema: programs of one generation share it. */
  static of(supergraphSchema: GraphQLSchema): TypeTable {
    let table = tables.get(supergraphSchema);
    if (table === undefined) tables.set(supergraphSchema, (table = new TypeTable(supergraphSchema)));
    return table;
  }

  get size(): number {
    return this.#names.length;
  }

  idOf(name: string): number {
    return this.#ids.get(name) ?? -1;
  }

  nameOf(id: number): string {
    return this.#names[id] ?? '';
  }

  quotedName(id: number): Buffer {
    return this.#quoted[id]!;
  }

  /** False for interfaces and unions. Only a subgraph with an `@interfaceObject` answers an interface's name. */
  isObject(id: number): boolean {
    return id > 0 && this.#objects[id]!;
  }

  /** The type of a field's objects, and whether the field may be null. Undefined for a field that no type has. */
  fieldOf(type: string, field: string): TypedField | undefined {
    let fields = this.#fields.get(type);
    if (fields === undefined) this.#fields.set(type, (fields = this.#fieldsOf(type)));
    return fields.get(field);
  }

  #fieldsOf(name: string): ReadonlyMap<string, TypedField> {
    const type = this.#schema.getType(name);
    const all = isInterfaceType(type) || isObjectType(type) ? Object.values(type.getFields()) : [];
    return new Map(
      all.map((field) => [
        field.name,
        { type: getNamedType(field.type).name, isNonNull: isNonNullType(field.type) },
      ]),
    );
  }

  rootTypeOf(operation: OperationTypeNode): string | undefined {
    return this.#schema.getRootType(operation)?.name;
  }

  /** 1 at the number of each type that satisfies `... on condition`. */
  matching(condition: string): Uint8Array {
    let matching = this.#matching.get(condition);
    if (matching !== undefined) return matching;
    matching = new Uint8Array(this.#names.length);
    const type = this.#schema.getType(condition);
    for (const [name, id] of this.#ids) {
      // The candidate may be a union: `isSubType` answers false for it.
      const candidate = this.#schema.getType(name) as GraphQLObjectType;
      const isSubtype = isAbstractType(type) && this.#schema.isSubType(type, candidate);
      if (name === condition || isSubtype) matching[id] = 1;
    }
    this.#matching.set(condition, matching);
    return matching;
  }
}

interface TypedField {
  readonly type: string;
  readonly isNonNull: boolean;
}

const tables = new WeakMap<GraphQLSchema, TypeTable>();
