import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLBoolean,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromAST,
} from 'graphql';

/** The values of the Boolean variables that `@skip`, `@include` and the nodes of a plan depend on. */
export type ConditionValues = Readonly<Record<string, boolean>>;

/** Holds if each variable has the value beside it. */
export type Conjunction = readonly { readonly variable: string; readonly value: boolean }[];

export function holds(conjunction: Conjunction, conditions: ConditionValues): boolean {
  return conjunction.every(({ variable, value }) => (conditions[variable] === true) === value);
}

/** The variable values with which `@skip` and `@include` keep a selection. */
export function conjunctionOf(directives: readonly DirectiveNode[] = []): Conjunction {
  return directives.flatMap(({ name, arguments: args = [] }) => {
    const value = args[0]?.value;
    if ((name.value !== 'skip' && name.value !== 'include') || value?.kind !== Kind.VARIABLE) return [];
    return [{ variable: value.name.value, value: name.value === 'include' }];
  });
}

/** The variables that a selection of the document or one of the fetches depends on. */
export function conditionVariables(
  document: DocumentNode,
  fetches: readonly { readonly when: Conjunction }[],
): string[] {
  const names = new Set<string>();
  for (const { directives } of selectionsIn(document))
    for (const { variable } of conjunctionOf(directives)) names.add(variable);
  for (const { when } of fetches) for (const { variable } of when) names.add(variable);
  return [...names];
}

/** All selections of a document. `visit` of `graphql` takes ten times as long, as it visits each name and value. */
export function selectionsIn({ definitions }: DocumentNode): SelectionNode[] {
  const found: SelectionNode[] = [];
  const add = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      found.push(selection);
      if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet !== undefined)
        add(selection.selectionSet);
    }
  };
  for (const definition of definitions) if ('selectionSet' in definition) add(definition.selectionSet);
  return found;
}

export function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of definitions)
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  return fragments;
}

const noConditions: ConditionValues = Object.freeze({});

export function conditionValues(
  { variableDefinitions = [] }: OperationDefinitionNode,
  names: readonly string[],
  variables: Readonly<Record<string, unknown>>,
): ConditionValues {
  if (names.length === 0) return noConditions;
  // Without a prototype: a variable may be called `__proto__`.
  const values = Object.create(null) as Record<string, boolean>;
  for (const name of names) {
    if (Object.hasOwn(variables, name) && variables[name] !== undefined)
      values[name] = variables[name] === true;
    else {
      const definition = variableDefinitions.find(({ variable }) => variable.name.value === name);
      values[name] = valueFromAST(definition?.defaultValue, GraphQLBoolean) === true;
    }
  }
  return values;
}
