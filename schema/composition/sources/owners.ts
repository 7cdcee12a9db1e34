import {
  type DocumentNode,
  type FieldDefinitionNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  type TypeDefinitionNode,
} from 'graphql';

/** What the subgraphs of a graph define: where a source needs what another subgraph has. */
export class Owners {
  readonly #types = new Map<string, TypeDefinitionNode>();
  readonly #fields = new Map<string, FieldDefinitionNode>();

  constructor(documents: Iterable<DocumentNode>) {
    for (const { definitions } of documents)
      for (const node of definitions) {
        if (!isTypeDefinitionNode(node) && !isTypeExtensionNode(node)) continue;
        if (isTypeDefinitionNode(node) && !this.#types.has(node.name.value))
          this.#types.set(node.name.value, node);
        if (!('fields' in node)) continue;
        for (const field of (node.fields ?? []) as readonly FieldDefinitionNode[]) {
          const coordinate = `${node.name.value}.${field.name.value}`;
          const isOwn = !field.directives?.some(({ name }) => name.value === 'external');
          if (isOwn && !this.#fields.has(coordinate)) this.#fields.set(coordinate, field);
        }
      }
  }

  /** The object types that an object, interface or union may be; undefined for others. */
  possibleTypes(name: string): readonly string[] | undefined {
    const node = this.#types.get(name);
    if (node?.kind === Kind.OBJECT_TYPE_DEFINITION) return [name];
    if (node?.kind === Kind.UNION_TYPE_DEFINITION) return (node.types ?? []).map((each) => each.name.value);
    if (node?.kind !== Kind.INTERFACE_TYPE_DEFINITION) return undefined;
    return [...this.#types.values()].flatMap((each) =>
      'interfaces' in each && each.interfaces.some((one) => one.name.value === name) ? [each.name.value] : [],
    );
  }

  type(name: string): TypeDefinitionNode | undefined {
    return this.#types.get(name);
  }

  field(type: string, name: string): FieldDefinitionNode | undefined {
    return this.#fields.get(`${type}.${name}`);
  }
}
