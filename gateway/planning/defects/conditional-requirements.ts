/**
 * Lets a fetch do without what its operation has left out.
 *
 * The planner joins fields that require other ones to one fetch, whatever conditions they have: in `{ a b @include(if:
 * $v) }`, both asked of one subgraph for representations with what `a` and what `b` require, nothing fetches what `b`
 * requires when `$v` is false, and without it there is no representation, so that `a` is null. Here such a fetch
 * becomes two, one for each value of the variable.
 */
import {
  type DirectiveNode,
  Kind,
  parse,
  print,
  type SelectionSetNode,
  stripIgnoredCharacters,
  visit,
} from 'graphql';
import { type FetchNode, type PlanNode, type QueryPlan, type RequiredSelection } from '../../execution/plan';

export function withConditionalRequirements(plan: QueryPlan): QueryPlan {
  const { node } = plan;
  if (node === undefined || node.kind === 'Subscription' || !JSON.stringify(plan).includes('(if:$'))
    return plan;
  return { ...plan, node: new Requirements().mend(node, [], new Map()) };
}

/** Values of variables, all of which are known to be so. */
type Assignment = ReadonlyMap<string, boolean>;

class Requirements {
  /** By path in the response: the conditions of each selection that brings a value there. */
  readonly #sources = new Map<string, Assignment[]>();

  mend(node: PlanNode, path: readonly string[], known: Assignment): PlanNode {
    switch (node.kind) {
      case 'Sequence':
      case 'Parallel':
        return { ...node, nodes: node.nodes.map((one) => this.mend(one, path, known)) };
      case 'Flatten':
        return { ...node, node: this.mend(node.node, [...path, ...responseKeys(node.path)], known) };
      case 'Condition': {
        const given = (value: boolean): Assignment => new Map([...known, [node.condition, value]]);
        return {
          ...node,
          ifClause: node.ifClause && this.mend(node.ifClause, path, given(true)),
          elseClause: node.elseClause && this.mend(node.elseClause, path, given(false)),
        };
      }
      case 'Fetch': {
        const mended = this.#mendFetch(node, path, this.#ofObject(path, known)) ?? node;
        this.#collect(rootOf(node), path, known);
        return mended;
      }
      case 'Defer':
        return node;
    }
  }

  /** What is known where there is an object at the path at all. */
  #ofObject(path: readonly string[], known: Assignment): Assignment {
    const result = new Map(known);
    for (let length = 1; length <= path.length; length++) {
      const [first, ...others] = this.#sources.get(path.slice(0, length).join('.')) ?? [];
      for (const [name, value] of first ?? [])
        if (others.every((one) => one.get(name) === value)) result.set(name, value);
    }
    return result;
  }

  /** Undefined when nothing is left to fetch. */
  #mendFetch(node: FetchNode, path: readonly string[], known: Assignment): PlanNode | undefined {
    const open = node.requires && this.#openVariable(node.requires, path, known);
    if (open === undefined) return node;
    const under = (value: boolean): PlanNode | undefined => {
      const assumed = new Map([...known, [open, value]]);
      const fetch = this.#under(node, path, assumed, open, value);
      return fetch && this.#mendFetch(fetch, path, assumed);
    };
    return { kind: 'Condition', condition: open, ifClause: under(true), elseClause: under(false) };
  }

  /** A variable on which it depends whether something required is there; undefined when everything is. */
  #openVariable(
    requires: readonly RequiredSelection[],
    path: readonly string[],
    known: Assignment,
  ): string | undefined {
    for (const selection of requires) {
      const below = selection.kind === 'Field' ? [...path, selection.alias ?? selection.name] : path;
      if (selection.kind === 'Field') {
        const sources = this.#sources.get(below.join('.')) ?? [];
        const openOf = (source: Assignment) =>
          [...source].filter(([name, value]) => known.get(name) !== value);
        const possible = sources.filter((source) => openOf(source).every(([name]) => !known.has(name)));
        if (possible.length > 0 && possible.every((source) => openOf(source).length > 0))
          return openOf(possible[0]!)[0]![0];
      }
      const open = selection.selections && this.#openVariable(selection.selections, below, known);
      if (open !== undefined) return open;
    }
    return undefined;
  }

  #under(
    node: FetchNode,
    path: readonly string[],
    known: Assignment,
    variable: string,
    value: boolean,
  ): FetchNode | undefined {
    const document = visit(parse(node.operation, { noLocation: true }), {
      leave(one) {
        if (one.kind === Kind.FIELD || one.kind === Kind.INLINE_FRAGMENT) {
          const conditions = (one.directives ?? []).filter((directive) => variableOf(directive) === variable);
          if (conditions.some((directive) => (directive.name.value === 'include') !== value)) return null;
          if (one.selectionSet?.selections.length === 0) return null;
          if (conditions.length === 0) return undefined;
          return {
            ...one,
            directives: one.directives!.filter((directive) => !conditions.includes(directive)),
          };
        }
        return undefined;
      },
    });
    const operation = document.definitions[0]!;
    if (operation.kind !== Kind.OPERATION_DEFINITION || operation.selectionSet.selections.length === 0)
      return undefined;
    const used = new Set<string>();
    visit(operation.selectionSet, { Variable: (one) => void used.add(one.name.value) });
    const { variableDefinitions = [] } = operation;
    const pruned = {
      ...operation,
      variableDefinitions: variableDefinitions.filter((one) => used.has(one.variable.name.value)),
    };
    return {
      ...node,
      operation: stripIgnoredCharacters(print(pruned)),
      variableUsages: node.variableUsages?.filter((name) => used.has(name)),
      requires: this.#available(node.requires!, path, known),
    };
  }

  /** The selections without those that nothing can have fetched. */
  #available(
    requires: readonly RequiredSelection[],
    path: readonly string[],
    known: Assignment,
  ): RequiredSelection[] {
    return requires.flatMap((selection): RequiredSelection[] => {
      const below = selection.kind === 'Field' ? [...path, selection.alias ?? selection.name] : path;
      const sources = selection.kind === 'Field' ? this.#sources.get(below.join('.')) : undefined;
      const isExcluded = (source: Assignment) =>
        [...source].some(([name, value]) => known.get(name) === !value);
      if (sources?.every(isExcluded)) return [];
      if (selection.kind === 'Field' && !selection.selections) return [selection];
      const selections = this.#available(selection.selections!, below, known);
      // A type alone is no key.
      const isEmpty = selections.every((one) => one.kind === 'Field' && one.name === '__typename');
      return isEmpty ? [] : [{ ...selection, selections }];
    });
  }

  #collect({ selections }: SelectionSetNode, path: readonly string[], known: Assignment): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
      const here = new Map(known);
      for (const directive of selection.directives ?? []) {
        const variable = variableOf(directive);
        if (variable !== undefined) here.set(variable, directive.name.value === 'include');
      }
      const below =
        selection.kind === Kind.FIELD ? [...path, (selection.alias ?? selection.name).value] : path;
      if (selection.kind === Kind.FIELD) {
        const key = below.join('.');
        this.#sources.set(key, [...(this.#sources.get(key) ?? []), here]);
      }
      if (selection.selectionSet) this.#collect(selection.selectionSet, below, here);
    }
  }
}

/** What a fetch selects of the object that it starts from. */
function rootOf(node: FetchNode): SelectionSetNode {
  const operation = parse(node.operation, { noLocation: true }).definitions[0]!;
  if (operation.kind !== Kind.OPERATION_DEFINITION) throw new Error('A fetch begins with its operation');
  const [first] = operation.selectionSet.selections;
  return node.requires && first?.kind === Kind.FIELD ? first.selectionSet! : operation.selectionSet;
}

/** A path without lists and type conditions. */
const responseKeys = (path: readonly (string | number)[]): string[] =>
  path.flatMap((step) => {
    const key = String(step).replace(/\|\[.*$/, '');
    return key === '@' || key === '' ? [] : [key];
  });

function variableOf({ name, arguments: args = [] }: DirectiveNode): string | undefined {
  const value = args[0]?.value;
  const isCondition = name.value === 'include' || name.value === 'skip';
  return isCondition && value?.kind === Kind.VARIABLE ? value.name.value : undefined;
}
