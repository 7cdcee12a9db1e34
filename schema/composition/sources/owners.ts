import { applied } from '../../supergraph/sdl';
import { readSourceSchema } from '../../supergraph/sources/source-schema';
import { isSourceSchema } from './source-words';
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

  readonly #keys = new Map<string, Set<string>>();

  constructor(documents: Iterable<DocumentNode>) {
    for (const document of documents) this.#add(document);
  }

  #add(document: DocumentNode): void {
    for (const [type, lookups] of isSourceSchema(document)
      ? readSourceSchema(document, () => undefined).lookups
      : [])
      for (const { key } of lookups) this.#addKey(type, key);
    for (const node of document.definitions) {
      if (!isTypeDefinitionNode(node) && !isTypeExtensionNode(node)) continue;
      if (isTypeDefinitionNode(node) && !this.#types.has(node.name.value))
        this.#types.set(node.name.value, node);
      for (const { fields } of applied(node, 'key')) this.#addKey(node.name.value, String(fields));
      if (!('fields' in node)) continue;
      for (const field of (node.fields ?? []) as readonly FieldDefinitionNode[]) {
        const coordinate = `${node.name.value}.${field.name.value}`;
        const isOwn = !field.directives?.some(({ name }) => name.value === 'external');
        if (isOwn && !this.#fields.has(coordinate)) this.#fields.set(coordinate, field);
      }
    }
  }

  #addKey(type: string, key: string): void {
    this.#keys.set(type, (this.#keys.get(type) ?? new Set()).add(key));
  }

  /** The keys by which subgraphs know an entity. */
  keys(type: string): Iterable<string> {
    return this.#keys.get(type) ?? [];
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
