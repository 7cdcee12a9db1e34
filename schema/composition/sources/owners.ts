import {
  type DocumentNode,
  type FieldDefinitionNode,
  type TypeDefinitionNode,
  isTypeDefinitionNode,
} from 'graphql';
import { isKey } from '../../supergraph/key-paths';
import { applied, directive } from '../../supergraph/sdl';
import { readSourceSchema, type SourceSchema } from '../../supergraph/sources/source-schema';

/** What the subgraphs of a graph define: where a source needs what another subgraph has. */
export class Owners {
  readonly #schemas: readonly SourceSchema[];
  readonly #definitions: ReadonlyMap<string, TypeDefinitionNode>;

  constructor(documents: readonly DocumentNode[]) {
    this.#schemas = documents.map((document) => readSourceSchema(document, () => undefined));
    const nodes = documents.flatMap(({ definitions }) => definitions.filter(isTypeDefinitionNode));
    this.#definitions = new Map(nodes.toReversed().map((node) => [node.name.value, node]));
  }

  /** The keys by which subgraphs know an entity. */
  keys(type: string): ReadonlySet<string> {
    const keys = this.#schemas.flatMap(({ lookups, types }) => [
      ...(lookups.get(type) ?? []).map(({ key }) => key),
      ...applied(types.get(type)?.node ?? {}, 'key').flatMap(({ fields }) => (isKey(fields) ? fields : [])),
    ]);
    return new Set(keys);
  }

  /** The object types that an object, interface or union may be; undefined for others. */
  possibleTypes(name: string): readonly string[] | undefined {
    const all = this.#schemas.flatMap(({ types }) => types.get(name)?.possibleTypes ?? []);
    return this.#schemas.some(({ types }) => types.has(name)) ? [...new Set(all)] : undefined;
  }

  type(name: string): TypeDefinitionNode | undefined {
    return this.#definitions.get(name);
  }

  field(type: string, name: string): FieldDefinitionNode | undefined {
    for (const { types } of this.#schemas) {
      const node = types.get(type)?.fields.get(name)?.node;
      if (node !== undefined && directive(node, 'external') === undefined) return node;
    }
    return undefined;
  }
}
