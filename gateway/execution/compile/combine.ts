/**
 * Combines several operations for one subgraph into one: each top-level field gets an alias, and each variable that
 * differs between them a name of its own. The result is plain GraphQL, which every server takes.
 */
import {
  type DefinitionNode,
  type DocumentNode,
  Kind,
  type NameNode,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
  stripIgnoredCharacters,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { type SubgraphOperation } from '../../subgraph-calls/contract/transport';
import { bodyPrefixOf, type FetchOperation, representationsVariable } from './subgraph-operation';
import { Shape } from './shape';
import { type GrowingSize, sizeOfCombination } from '../size';
import { type TypeTable } from './type-table';

export interface Combination {
  readonly request: SubgraphOperation;
  readonly shape: Shape;
  /** The client's variables that it uses. */
  readonly variableUsages: readonly string[];
  readonly parts: readonly CombinedPart[];
  /** The top-level fields, by their aliases. */
  readonly fields: ReadonlyMap<string, CombinedField>;
}

export interface CombinedPart {
  readonly operation: FetchOperation;
  /** For each top-level field, where its pair stands in the combined record and in the operation's own. */
  readonly moves: readonly { readonly from: number; readonly to: number }[];
  /** Its names for `_entities`, `representations` and its context variables. */
  readonly entitiesKey: string;
  readonly representations: string;
  readonly contextVariables: readonly string[];
}

export interface CombinedField {
  readonly part: number;
  readonly responseKey: string;
}

/** The combinations of a program's operations so far. */
export class Combinations {
  readonly #types: TypeTable;
  readonly #shared: ReadonlySet<string>;
  readonly #known = new Map<string, Combination | undefined>();
  readonly #size: GrowingSize | undefined;

  /** @param shared the subgraphs of which several fetches request entities */
  constructor(types: TypeTable, shared: ReadonlySet<string>, size?: GrowingSize) {
    this.#types = types;
    this.#shared = shared;
    this.#size = size;
  }

  /** Whether another fetch may request entities of the same subgraph. */
  mayHave({ getsEntities, request }: FetchOperation): boolean {
    return getsEntities && this.#shared.has(request.subgraph);
  }

  /** Undefined where they cannot be combined, or where the program has too many combinations already. */
  of(operations: readonly FetchOperation[]): Combination | undefined {
    const key = operations.map(({ number }) => number).join();
    if (this.#known.has(key)) return this.#known.get(key);
    if (this.#known.size === mostCombinations) return undefined;
    const combination = combine(operations, this.#types);
    this.#known.set(key, combination);
    if (combination !== undefined)
      this.#size?.add(sizeOfCombination(combination.request.document, combination.fields.size));
    return combination;
  }
}

/** Most combinations per program; which ones occur depends on data. Operations beyond are sent one by one. */
const mostCombinations = 64;

function combine(operations: readonly FetchOperation[], types: TypeTable): Combination | undefined {
  const documents = operations.map(({ request }) => parse(request.document, { noLocation: true }));
  const definitions = documents.map(operationOf);
  if (definitions.some(({ selectionSet }) => hasSpread(selectionSet))) return undefined;
  const taken = new Set(
    definitions.flatMap(({ variableDefinitions = [] }) =>
      variableDefinitions.map(({ variable }) => variable.name.value),
    ),
  );
  const variables = new Map<string, VariableDefinitionNode>();
  const parts: CombinedPart[] = [];
  const fields = new Map<string, CombinedField>();
  const shape = new Shape(types);
  const fragments: DefinitionNode[] = [];
  const selections = documents.flatMap((whole, number) => {
    const operation = operations[number]!;
    const renamed = new Map<string, string>();
    for (const name of [representationsVariable, ...operation.contextVariables])
      renamed.set(name, freeName(`${name}_${number}`, taken));
    const document = rename(whole, renamed, number);
    const { selectionSet, variableDefinitions = [] } = operationOf(document);
    fragments.push(...document.definitions.slice(1));
    for (const variable of variableDefinitions) variables.set(variable.variable.name.value, variable);
    parts.push({
      operation,
      moves: addFields(shape, operation.shape, number),
      entitiesKey: aliasOf('_entities', number),
      representations: renamed.get(representationsVariable)!,
      contextVariables: operation.contextVariables.map((name) => renamed.get(name)!),
    });
    return withAliases(selectionSet, number, fields).selections;
  });
  const [first] = definitions;
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [
      {
        ...first!,
        variableDefinitions: [...variables.values()],
        selectionSet: { kind: Kind.SELECTION_SET, selections },
      },
      ...fragments,
    ],
  };
  const text = stripIgnoredCharacters(print(document));
  const { request } = operations[0]!;
  return {
    request: { ...request, document: text, bodyPrefix: bodyPrefixOf(text, request.name) },
    shape: shape.seal(),
    variableUsages: [...new Set(operations.flatMap(({ variableUsages }) => variableUsages))],
    parts,
    fields,
  };
}

const operationOf = ({ definitions }: DocumentNode): OperationDefinitionNode =>
  definitions[0] as OperationDefinitionNode;

const aliasOf = (responseKey: string, part: number): string => `${responseKey}_${part}`;

function freeName(name: string, taken: Set<string>): string {
  let free = name;
  while (taken.has(free)) free += '_';
  taken.add(free);
  return free;
}

/** Renames variables as they are mapped, and fragments by the number of the part. */
function rename(document: DocumentNode, variables: ReadonlyMap<string, string>, part: number): DocumentNode {
  const withName = <Node extends { readonly name: NameNode }>(node: Node, value: string): Node => ({
    ...node,
    name: { kind: Kind.NAME, value },
  });
  return visit(document, {
    Variable(node) {
      const value = variables.get(node.name.value);
      return value === undefined ? undefined : withName(node, value);
    },
    FragmentSpread: (node) => withName(node, aliasOf(node.name.value, part)),
    FragmentDefinition: { leave: (node) => withName(node, aliasOf(node.name.value, part)) },
  });
}

/** Whether top-level fields are in named fragments, where they cannot have aliases. The planner writes none. */
const hasSpread = ({ selections }: SelectionSetNode): boolean =>
  selections.some(
    (selection) =>
      selection.kind === Kind.FRAGMENT_SPREAD ||
      (selection.kind === Kind.INLINE_FRAGMENT && hasSpread(selection.selectionSet)),
  );

function withAliases(
  { selections }: SelectionSetNode,
  part: number,
  fields: Map<string, CombinedField>,
): SelectionSetNode {
  return {
    kind: Kind.SELECTION_SET,
    selections: selections.map((selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
      if (selection.kind === Kind.INLINE_FRAGMENT)
        return { ...selection, selectionSet: withAliases(selection.selectionSet, part, fields) };
      const responseKey = selection.alias?.value ?? selection.name.value;
      const value = aliasOf(responseKey, part);
      fields.set(value, { part, responseKey });
      return { ...selection, alias: { kind: Kind.NAME, value } };
    }),
  };
}

/** Adds the fields of an operation's data under their aliases. */
function addFields(shape: Shape, own: Shape, part: number): CombinedPart['moves'] {
  for (const [i, key] of own.keys.entries()) {
    const alias = aliasOf(key, part);
    // Two keys of the operation may share one slot, so the slot names the field. No alias is in the merged response.
    shape.addField(`${own.slots[i]} of ${part}`, alias, own.typenames[i] === 1, own.children[i]!, []);
  }
  const slots = new Set(own.slots);
  return [...slots].map((to) => ({ from: shape.fields.get(`${to} of ${part}`)!.slot, to }));
}
