/** What clients see of a supergraph: without what belongs to features, and without what is `@inaccessible`. */
import {
  type DefinitionNode,
  type DocumentNode,
  isTypeDefinitionNode,
  Kind,
  OperationTypeNode,
  type SchemaDefinitionNode,
} from 'graphql';
import { type Features } from './features';
import { type Annotated } from './sdl';
import { type SlicedWork } from './sliced-work';

export interface VisibleDefinitions {
  readonly definitions: readonly DefinitionNode[];
  /** The `@inaccessible` values of enums that clients see, by the enum's name. */
  readonly inaccessibleValues: ReadonlyMap<string, readonly string[]>;
  /** The names of composite types that clients do not see. */
  readonly inaccessibleTypes: ReadonlySet<string>;
}

/** @param features of the same document */
export function* visibleDefinitions(
  { definitions }: DocumentNode,
  features: Features,
): SlicedWork<VisibleDefinitions> {
  const reader = new Reader(features);
  const hidden = new Set<string>();
  for (const node of definitions)
    if (isTypeDefinitionNode(node) && reader.isHidden(node)) hidden.add(node.name.value);
  const visible: DefinitionNode[] = [];
  for (const node of definitions) {
    if (features.owns(node)) continue;
    if (isTypeDefinitionNode(node) && hidden.has(node.name.value)) continue;
    const shown = reader.visible(node, hidden);
    if (shown !== undefined) visible.push(shown);
    yield;
  }
  return {
    definitions: visible,
    inaccessibleValues: reader.inaccessibleValues,
    inaccessibleTypes: hidden,
  };
}

class Reader {
  readonly inaccessibleValues = new Map<string, string[]>();
  readonly #features: Features;
  readonly #inaccessible: string | undefined;

  constructor(features: Features) {
    this.#features = features;
    this.#inaccessible = features.directiveOf('inaccessible');
  }

  isHidden({ directives = [] }: Annotated): boolean {
    return (
      this.#inaccessible !== undefined && directives.some(({ name }) => name.value === this.#inaccessible)
    );
  }

  /** What clients see of a definition; undefined where that is nothing. */
  visible(node: DefinitionNode, hidden: ReadonlySet<string>): DefinitionNode | undefined {
    switch (node.kind) {
      case Kind.SCHEMA_DEFINITION:
        return this.#schema(node);
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_DEFINITION: {
        const interfaces = node.interfaces?.filter(({ name }) => !hidden.has(name.value));
        const fields = this.#all(node.fields).map((field) => ({
          ...field,
          ...(field.arguments && { arguments: this.#all(field.arguments) }),
        }));
        return { ...this.#own(node), ...(interfaces && { interfaces }), fields };
      }
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
        return { ...this.#own(node), fields: this.#all(node.fields) };
      case Kind.UNION_TYPE_DEFINITION:
        return {
          ...this.#own(node),
          types: (node.types ?? []).filter(({ name }) => !hidden.has(name.value)),
        };
      case Kind.ENUM_TYPE_DEFINITION: {
        const values = (node.values ?? [])
          .filter((value) => this.isHidden(value))
          .map(({ name }) => name.value);
        if (values.length > 0) this.inaccessibleValues.set(node.name.value, values);
        return { ...this.#own(node), values: this.#all(node.values) };
      }
      case Kind.SCALAR_TYPE_DEFINITION:
        return this.#own(node);
      case Kind.DIRECTIVE_DEFINITION:
        return { ...node, ...(node.arguments && { arguments: this.#all(node.arguments) }) };
      default:
        return undefined;
    }
  }

  /** Needed only where root types have other names than usual, or clients read a description. */
  #schema(node: SchemaDefinitionNode): SchemaDefinitionNode | undefined {
    const isUsual = node.operationTypes.every(
      ({ operation, type }) => type.name.value === usualRoots[operation],
    );
    return isUsual && node.description === undefined ? undefined : this.#own(node);
  }

  #own<Node extends Annotated>(node: Node): Node {
    if (node.directives === undefined || node.directives.length === 0) return node;
    return {
      ...node,
      directives: node.directives.filter(({ name }) => !this.#features.ownsDirective(name.value)),
    };
  }

  #all<Node extends Annotated>(nodes: readonly Node[] = []): Node[] {
    return nodes.filter((node) => !this.isHidden(node)).map((node) => this.#own(node));
  }
}

const usualRoots: Record<OperationTypeNode, string> = {
  [OperationTypeNode.QUERY]: 'Query',
  [OperationTypeNode.MUTATION]: 'Mutation',
  [OperationTypeNode.SUBSCRIPTION]: 'Subscription',
};
