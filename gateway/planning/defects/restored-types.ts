/**
 * Restores the client's names in plans of operations whose types were kept apart (`types-apart.ts`). Fetches rename the
 * fields of their responses, paths get the type conditions that a name stood for, and fields of an `@interfaceObject`
 * that only some types need are fetched for these only.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type DocumentNode,
  type FieldNode,
  type FragmentSpreadNode,
  type GraphQLSchema,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  stripIgnoredCharacters,
  visit,
} from 'graphql';
import {
  type FetchNode,
  type PlanNode,
  type QueryPlan,
  type RequiredSelection,
  type Rewrite,
} from '../../execution/compile/plan';
import { mapFetches } from './map-fetches';
import { type TypedName } from './types-apart';

export function withTypesTogether(
  plan: QueryPlan,
  names: ReadonlyMap<string, TypedName>,
  schema: GraphQLSchema,
): QueryPlan {
  return mapFetches(plan, restoreFetch, restorePath);

  function restorePath(path: readonly (string | number)[]): (string | number)[] {
    const restored: (string | number)[] = [];
    for (const element of path) {
      const typed = names.get(String(element));
      if (typed) restored.push(`${restored.pop() ?? ''}|[${[...typed.types].join()}]`, typed.original);
      else restored.push(element);
    }
    return restored;
  }

  function restoreFetch(node: FetchNode): PlanNode {
    if (![...names.keys()].some((name) => node.operation.includes(name))) return node;
    const operation = parse(node.operation, { noLocation: true }).definitions[0] as OperationDefinitionNode;
    const fetches = node.requires ? forTypes(node, operation, node.requires) : [node];
    const renamed = fetches.map((fetch) => ({
      ...fetch,
      outputRewrites: [...(fetch.outputRewrites ?? []), ...renamesOf(fetch)],
    }));
    return renamed.length === 1 ? renamed[0]! : { kind: 'Parallel', nodes: renamed };
  }

  function renamesOf({ operation, requires }: FetchNode): Rewrite[] {
    const rewrites: Rewrite[] = [];
    const path: string[] = [];
    visit(parse(operation, { noLocation: true }), {
      Field: {
        enter(node) {
          const name = responseName(node);
          path.push(name);
          const typed = names.get(name);
          // Rewrites are relative to each entity.
          const from = requires ? path.slice(1) : [...path];
          if (typed) rewrites.push({ kind: 'KeyRenamer', path: from, renameKeyTo: typed.original });
        },
        leave: () => void path.pop(),
      },
    });
    return rewrites;
  }

  /** Splits a fetch by the types of its entities, if they need different fields. */
  function forTypes(
    node: FetchNode,
    operation: OperationDefinitionNode,
    requires: readonly RequiredSelection[],
  ): FetchNode[] {
    const entities = operation.selectionSet.selections[0] as FieldNode;
    const typed = typedFields(entities.selectionSet!);
    if (typed.length === 0) return [node];
    const types = new Map<string, RequiredSelection[]>();
    for (const selection of requires) {
      if (selection.kind === 'Field' || selection.typeCondition === undefined) return [node];
      for (const type of objectTypes(selection.typeCondition)) {
        const known = types.get(type) ?? [];
        const more = selection.selections.filter(
          (one) => !known.some((other) => isDeepStrictEqual(one, other)),
        );
        types.set(type, [...known, ...more]);
      }
    }
    const groups = new Map<string, string[]>();
    for (const type of types.keys()) {
      const unwanted = typed.filter((name) => !names.get(name)!.types.has(type)).join();
      groups.set(unwanted, [...(groups.get(unwanted) ?? []), type]);
    }
    if (groups.size === 1) return [node];
    return [...groups].flatMap(([unwanted, group]) => {
      const left = without(entities.selectionSet!, new Set(unwanted.split(',')));
      if (!left.selections.some(asksSomething)) return [];
      return {
        ...withOperation(node, {
          ...operation,
          selectionSet: { ...operation.selectionSet, selections: [{ ...entities, selectionSet: left }] },
        }),
        requires: group.map((type): RequiredSelection => ({
          kind: 'InlineFragment',
          typeCondition: type,
          selections: types.get(type)!,
        })),
      };
    });
  }

  /** The typed names that are selected on an interface and not on an object type. */
  function typedFields({ selections }: SelectionSetNode): string[] {
    return selections.flatMap((selection) => {
      if (selection.kind !== Kind.INLINE_FRAGMENT) {
        const name = responseName(selection);
        return names.has(name) ? [name] : [];
      }
      const condition = selection.typeCondition && schema.getType(selection.typeCondition.name.value);
      return isObjectType(condition) ? [] : typedFields(selection.selectionSet);
    });
  }

  function objectTypes(name: string): string[] {
    const type = schema.getType(name);
    return isAbstractType(type) ? schema.getPossibleTypes(type).map((one) => one.name) : [name];
  }
}

const responseName = (node: FieldNode | FragmentSpreadNode): string =>
  ('alias' in node ? (node.alias ?? node.name) : node.name).value;

/** A selection of entities without fields of these names. */
const without = (node: SelectionSetNode, names: ReadonlySet<string>): SelectionSetNode => ({
  ...node,
  selections: node.selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD) return names.has(responseName(selection)) ? [] : [selection];
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection];
    const selectionSet = without(selection.selectionSet, names);
    return selectionSet.selections.length === 0 ? [] : [{ ...selection, selectionSet }];
  }),
});

/** Whether a selection has more than `__typename`. */
function asksSomething(selection: SelectionNode): boolean {
  if (selection.kind === Kind.FIELD) return selection.name.value !== '__typename';
  return selection.kind === Kind.FRAGMENT_SPREAD || selection.selectionSet.selections.some(asksSomething);
}

/** The fetch with another operation, which may use fewer variables. */
function withOperation(node: FetchNode, operation: OperationDefinitionNode): FetchNode {
  const used = new Set<string>();
  visit(operation.selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }) =>
    used.has(variable.name.value),
  );
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [{ ...operation, variableDefinitions: variableDefinitions ?? [] }],
  };
  return {
    ...node,
    operation: stripIgnoredCharacters(print(document)),
    variableUsages: node.variableUsages?.filter((name) => used.has(name)),
  };
}
