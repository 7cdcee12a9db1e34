/**
 * Makes each mutation field run once, and in its turn.
 *
 * A field that occurs more than once at the root under one name is one field, whatever conditions its occurrences
 * have (GraphQL, "Field Collection"); the planner takes occurrences with different conditions for different fields.
 * Here they become one, its later selections in fragments with their conditions; where the first occurrence may be
 * left out itself, the later ones run only when it is.
 *
 * The planner joins fragments with equal conditions at the root, and so moves the fields of the later ones. Fragments are
 * therefore left only around fields under two conditions of one kind, which no field can have. The condition of each such
 * fragment gets a variable of its own, and `withClientVariables` gives the plan the client's variables again.
 *
 * Upstream: no issue found. https://github.com/apollographql/federation/pull/2713 keeps fields with different directives apart.
 */
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  stripIgnoredCharacters,
  type VariableNode,
  visit,
} from 'graphql';
import { type FetchNode, type QueryPlan } from '../../execution/compile/plan';
import { isCondition, under } from './fragment-conditions';
import { mapFetches } from './map-fetches';

export interface MutationsOnce {
  readonly document: DocumentNode;
  /** The client's variables, by the names that the conditions of single fragments have in the document. */
  readonly variables: ReadonlyMap<string, string>;
}

export function withMutationsOnce(document: DocumentNode, operationName: string | undefined): MutationsOnce {
  const variables = new Map<string, string>();
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
  const definitions = document.definitions.map((node) =>
    node.kind === Kind.OPERATION_DEFINITION &&
    node.operation === OperationTypeNode.MUTATION &&
    (operationName === undefined || node.name?.value === operationName)
      ? once(node, fragments, variables)
      : node,
  );
  return { document: { ...document, definitions }, variables };
}

/** The plan of such a document, with the client's variables in its conditions and operations. */
export function withClientVariables(plan: QueryPlan, variables: MutationsOnce['variables']): QueryPlan {
  if (variables.size === 0) return plan;
  const clientName = (name: string): string => variables.get(name) ?? name;
  return mapFetches(plan, ofClient, undefined, clientName);

  function ofClient(node: FetchNode): FetchNode {
    const { operation, variableUsages } = node;
    if (!variableUsages?.some((name) => variables.has(name))) return node;
    const defined = new Set<string>();
    const document = visit(parse(operation, { noLocation: true }), {
      Variable: ({ name }) => ({
        kind: Kind.VARIABLE,
        name: { kind: Kind.NAME, value: clientName(name.value) },
      }),
      VariableDefinition: {
        leave({ variable: { name } }) {
          if (defined.has(name.value)) return null;
          defined.add(name.value);
          return undefined;
        },
      },
    });
    return {
      ...node,
      operation: stripIgnoredCharacters(print(document)),
      variableUsages: [...new Set(variableUsages.map(clientName))],
    };
  }
}

interface Occurrence {
  readonly field: FieldNode;
  /** What must hold for it to be there. */
  readonly when: Assignment;
}

/** Values of variables, all of which must be so. */
type Assignment = ReadonlyMap<string, boolean>;

function once(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Map<string, string>,
): OperationDefinitionNode {
  const definitions = [...(operation.variableDefinitions ?? [])];
  const occurrences = flatten(operation.selectionSet, new Map(), fragments);
  const names = occurrences.map(({ field }) => responseName(field));
  const selections = occurrences.flatMap(({ field, when }, i) => {
    const same = (_: unknown, j: number): boolean => names[j] === names[i];
    const earlier = occurrences.slice(0, i).filter(same);
    const later = occurrences.slice(i + 1).filter((_, j) => same(_, i + 1 + j));
    // It stands for all where none of the earlier ones does.
    let cases: Assignment[] = [when];
    for (const one of earlier) cases = cases.flatMap((assignment) => without(assignment, one.when));
    return cases.map((assignment) => inItsTurn(standingForAll(field, assignment, later)));
  });
  return {
    ...operation,
    variableDefinitions: definitions,
    selectionSet: { ...operation.selectionSet, selections: selections.length > 0 ? selections : [typename] },
  };

  /** A fragment gets a condition that no other one has. */
  function inItsTurn(selection: SelectionNode): SelectionNode {
    if (selection.kind !== Kind.INLINE_FRAGMENT) return selection;
    return visit(selection, {
      SelectionSet: () => false,
      Variable(variable) {
        const definition = definitions.find((one) => one.variable.name.value === variable.name.value);
        const own: VariableNode = { ...variable, name: { kind: Kind.NAME, value: newName(variable) } };
        if (definition) definitions.push({ ...definition, variable: own });
        variables.set(own.name.value, variable.name.value);
        return own;
      },
    });
  }

  function newName({ name }: VariableNode): string {
    let next = `${name.value}_${variables.size}`;
    while (definitions.some(({ variable }) => variable.name.value === next)) next += '_';
    return next;
  }
}

function standingForAll(field: FieldNode, when: Assignment, later: readonly Occurrence[]): SelectionNode {
  const plain = { ...field, directives: (field.directives ?? []).filter((one) => !isCondition(one)) };
  const { selectionSet } = field;
  if (!selectionSet) return under(conditionsOf(when), plain);
  const others = later.map((one) =>
    under(conditionsOf(one.when), { kind: Kind.INLINE_FRAGMENT, selectionSet: one.field.selectionSet! }),
  );
  return under(conditionsOf(when), {
    ...plain,
    selectionSet: { ...selectionSet, selections: [...selectionSet.selections, ...others] },
  });
}

/** Root fields with the conditions of the fragments around them; those that can never be are left out. */
function flatten(
  { selections }: SelectionSetNode,
  outer: Assignment,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Occurrence[] {
  return selections.flatMap((selection) => {
    const when = both(outer, assignmentOf(selection.directives ?? []));
    if (!when) return [];
    if (selection.kind === Kind.FIELD) return [{ field: selection, when }];
    const { selectionSet } =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)!;
    return flatten(selectionSet, when, fragments);
  });
}

function assignmentOf(directives: readonly DirectiveNode[]): Assignment | undefined {
  let result: Assignment | undefined = new Map();
  for (const { name, arguments: args = [] } of directives.filter(isCondition)) {
    const value = args[0]?.value;
    if (value?.kind === Kind.VARIABLE)
      result &&= both(result, new Map([[value.name.value, name.value === 'include']]));
  }
  return result;
}

/** Undefined when they contradict. */
function both(a: Assignment, b: Assignment | undefined): Assignment | undefined {
  if (!b) return undefined;
  for (const [name, value] of b) if (a.get(name) === !value) return undefined;
  return new Map([...a, ...b]);
}

/** The cases of an assignment in which another one does not hold, none of them together with another. */
function without(assignment: Assignment, other: Assignment): Assignment[] {
  const cases: Assignment[] = [];
  let rest = assignment;
  for (const [name, value] of other) {
    const against = both(rest, new Map([[name, !value]]));
    if (against) cases.push(against);
    const along = both(rest, new Map([[name, value]]));
    if (!along) return cases;
    rest = along;
  }
  return cases;
}

const conditionsOf = (when: Assignment): DirectiveNode[] =>
  [...when].map(([variable, value]) => condition(variable, value));

const condition = (variable: string, value: boolean): DirectiveNode => ({
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: value ? 'include' : 'skip' },
  arguments: [
    {
      kind: Kind.ARGUMENT,
      name: { kind: Kind.NAME, value: 'if' },
      value: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: variable } },
    },
  ],
});

const responseName = (node: FieldNode): string => node.alias?.value ?? node.name.value;

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
