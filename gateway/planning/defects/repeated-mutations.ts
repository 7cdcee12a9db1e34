/**
 * Makes each mutation field run once, and in the right order.
 *
 * A root field that occurs several times under one response name is one field, whatever conditions its occurrences have
 * (GraphQL, "Field Collection"). The planner treats occurrences with different conditions as different fields. Here
 * they become one field, with the selections of later occurrences in fragments with their conditions. If the first
 * occurrence itself has a condition, the later ones run only when it is excluded.
 *
 * At the root the planner merges fragments with equal conditions, which changes the order of fields. Therefore
 * fragments remain only around fields with two conditions of the same kind, which a field itself cannot have. Each of
 * these fragments gets a variable of its own for its condition, and `withClientVariables` restores the client's
 * variables in the plan.
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
  /** The client's variables, by the variables that the fragments got. */
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

/** Restores the client's variables in the conditions and operations of a plan. */
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
  /** The values of variables for which the occurrence is included. */
  readonly when: Assignment;
}

/** Values of variables, all of which must match. */
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
    // This occurrence stands for the field whenever all earlier ones are excluded.
    let cases: Assignment[] = [when];
    for (const one of earlier) cases = cases.flatMap((assignment) => without(assignment, one.when));
    return cases.map((assignment) => inItsTurn(standingForAll(field, assignment, later)));
  });
  return {
    ...operation,
    variableDefinitions: definitions,
    selectionSet: { ...operation.selectionSet, selections: selections.length > 0 ? selections : [typename] },
  };

  /** Gives a fragment a condition that no other one has, so that the planner does not merge it. */
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

/** Root fields with the conditions of the fragments around them, without fields whose conditions contradict. */
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

/** Joins two assignments. Undefined if they contradict. */
function both(a: Assignment, b: Assignment | undefined): Assignment | undefined {
  if (!b) return undefined;
  for (const [name, value] of b) if (a.get(name) === !value) return undefined;
  return new Map([...a, ...b]);
}

/** The cases of an assignment in which another one does not match. No two cases overlap. */
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
