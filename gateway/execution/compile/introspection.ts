import {
  type DocumentNode,
  executeSync,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  visit,
} from 'graphql';
import { type GrowingSize } from '../size';

/** Answers `__schema` and `__type` from the schema that the caller may see. Caches the JSON. */
export class Introspection {
  readonly #schema: () => GraphQLSchema;
  readonly #operation: OperationDefinitionNode;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #answers = new Map<string, Buffer>();
  readonly #size: GrowingSize | undefined;

  constructor(
    schema: () => GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    size?: GrowingSize,
  ) {
    this.#schema = schema;
    this.#size = size;
    this.#operation = operation;
    this.#fragments = fragments;
  }

  /** The JSON of one root field. Its nodes are merged (GraphQL, section 6.4.3). */
  answer(
    responseKey: string,
    nodes: readonly FieldNode[],
    variables: Readonly<Record<string, unknown>>,
  ): Buffer {
    const { document, used } = this.#documentOf(nodes);
    const values = Object.fromEntries(
      used.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
    );
    const key = JSON.stringify([responseKey, values]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      const { data } = executeSync({ schema: this.#schema(), document, variableValues: values });
      answer = Buffer.from(JSON.stringify(data?.[responseKey] ?? null));
      if (this.#answers.size === mostAnswers) {
        this.#answers.clear();
        this.#size?.clear();
      }
      this.#answers.set(key, answer);
      this.#size?.add(answer.length + 2 * key.length);
    }
    return answer;
  }

  #documentOf(nodes: readonly FieldNode[]): { document: DocumentNode; used: string[] } {
    const used = new Set<string>();
    const spread = new Map<string, FragmentDefinitionNode>();
    const follow = (node: FieldNode | FragmentDefinitionNode): void => {
      visit(node, {
        Variable: ({ name }) => void used.add(name.value),
        FragmentSpread: ({ name }) => {
          const fragment = this.#fragments.get(name.value);
          if (fragment === undefined || spread.has(name.value)) return;
          spread.set(name.value, fragment);
          follow(fragment);
        },
      });
    };
    for (const node of nodes) follow(node);
    const operation: OperationDefinitionNode = {
      kind: Kind.OPERATION_DEFINITION,
      operation: OperationTypeNode.QUERY,
      variableDefinitions: (this.#operation.variableDefinitions ?? []).filter(({ variable }) =>
        used.has(variable.name.value),
      ),
      selectionSet: { kind: Kind.SELECTION_SET, selections: nodes },
    };
    return {
      document: { kind: Kind.DOCUMENT, definitions: [operation, ...spread.values()] },
      used: [...used],
    };
  }
}

/** Most answers cached per operation: one per response key and variable values. */
const mostAnswers = 16;
