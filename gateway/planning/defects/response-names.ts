/**
 * Keeps the client's response names apart from the fields that the planner adds.
 *
 * The planner adds the fields of keys and of `@requires` to its fetches under their own names. It merges them with any
 * field that the client selects under that name, even another field or one with other arguments. `{ user { id: name }
 * }` sends the name as the key, or returns the key as the name, without an error.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3036.
 */
import {
  type ConstValueNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  Kind,
  parse,
  print,
  stripIgnoredCharacters,
  visit,
} from 'graphql';
import {
  type FetchNode,
  type QueryPlan,
  type RequiredSelection,
  type Rewrite,
} from '../../execution/compile/plan';
import { mapFetches, withCondition } from './map-fetches';

/** The names of all fields that the supergraph's keys, requirements and contexts select. */
export function plannerFieldNames(supergraph: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = (value: ConstValueNode): void => {
    if (value.kind !== Kind.STRING) return;
    const selection = value.value.trim().startsWith('{') ? value.value : `{${value.value}}`;
    visit(parse(selection), { Field: (field) => void names.add(field.name.value) });
  };
  visit(supergraph, {
    Directive(node: DirectiveNode) {
      if (node.name.value !== 'join__type' && node.name.value !== 'join__field') return;
      for (const { name, value } of node.arguments ?? []) {
        if (name.value === 'key' || name.value === 'requires') collect(value as ConstValueNode);
        if (name.value === 'contextArguments')
          visit(value, {
            ObjectField(field) {
              if (field.name.value === 'selection') collect(field.value as ConstValueNode);
            },
          });
      }
    },
  });
  return names;
}

/** How response names of a document are renamed for planning, and restored in its plan. */
export interface Renaming {
  /** From the client's names to names that only the planner sees. */
  readonly disguises: ReadonlyMap<string, string>;
  /** From names in the plan to the names that it should have. */
  readonly restored: ReadonlyMap<string, string>;
}

/**
 * Undefined if the planner cannot confuse any field of the document with its own. Throws if `__typename` is the alias
 * of another field, which could not be told apart from the type.
 *
 * @param others further response names of the client, which `types-apart.ts` has replaced in the document
 */
export function renamingOf(
  document: DocumentNode,
  plannerNames: ReadonlySet<string>,
  others: ReadonlySet<string> = new Set(),
): Renaming | undefined {
  const mistakable = new Set<string>();
  const all = new Set<string>();
  visit(document, {
    Field(node) {
      const name = responseName(node);
      all.add(name);
      // The planner and the engine read types from `__typename`.
      if (name === '__typename' && node.name.value !== name)
        throw new Error('Only the field "__typename" can go by its name');
      const isAsSuch = node.name.value === name && (node.arguments ?? []).length === 0;
      if (!isAsSuch && plannerNames.has(name)) mistakable.add(name);
    },
  });
  for (const name of others) if (plannerNames.has(name)) mistakable.add(name);
  if (mistakable.size === 0) return undefined;
  let suffix = '__';
  while ([...all].some((name) => name.endsWith(`${suffix}client`))) suffix += '_';
  const names = [...mistakable];
  return {
    disguises: new Map(names.map((name) => [name, `${name}${suffix}client`])),
    restored: new Map(
      names.flatMap((name) => [
        [`${name}${suffix}client`, name],
        [name, `${name}${suffix}planner`],
      ]),
    ),
  };
}

/** Renames the response names of a document for the planner. */
export const disguised = (document: DocumentNode, { disguises }: Renaming): DocumentNode =>
  visit(document, {
    Field(node): FieldNode | undefined {
      const alias = disguises.get(responseName(node));
      return alias === undefined ? undefined : { ...node, alias: { kind: Kind.NAME, value: alias } };
    },
  });

/** Restores the client's names in a plan, and renames the planner's own fields. */
export function restored(plan: QueryPlan, renaming: Renaming): QueryPlan {
  const renamed = (name: string): string => renaming.restored.get(name) ?? name;
  return mapFetches(plan, renameFetch, (path) =>
    path.map((step) => (typeof step === 'string' ? renamed(step) : step)),
  );

  function renameFetch(node: FetchNode): FetchNode {
    const keys: Rewrite[] = [];
    const requires = node.requires && renameRequires(node.requires, [], keys);
    return {
      ...node,
      operation: renameOperation(node.operation),
      ...(requires && { requires }),
      inputRewrites: [...(node.inputRewrites ?? []), ...keys],
      outputRewrites: node.outputRewrites?.map((rewrite) =>
        rewrite.kind === 'KeyRenamer'
          ? { ...renamePath(rewrite), renameKeyTo: renamed(rewrite.renameKeyTo) }
          : renamePath(rewrite),
      ),
      contextRewrites: node.contextRewrites?.map(renamePath),
    };
  }

  function renamePath<R extends Rewrite>(rewrite: R): R {
    return { ...rewrite, path: rewrite.path.map(renamed) };
  }

  /** Representations must have the original field names, by which subgraphs know their keys. */
  function renameRequires(
    selections: readonly RequiredSelection[],
    path: readonly string[],
    keys: Rewrite[],
  ): RequiredSelection[] {
    return selections.map((selection) => {
      if (selection.kind === 'InlineFragment') {
        const { typeCondition } = selection;
        const below = withCondition(path, typeCondition);
        return { ...selection, selections: renameRequires(selection.selections, below, keys) };
      }
      const name = selection.alias ?? selection.name;
      const alias = renamed(name);
      const selected = selection.selections && renameRequires(selection.selections, [...path, alias], keys);
      if (alias === name) return { ...selection, selections: selected };
      keys.push({ kind: 'KeyRenamer', path: [...path, alias], renameKeyTo: name });
      return { ...selection, alias, selections: selected };
    });
  }

  function renameOperation(operation: string): string {
    const document = visit(parse(operation, { noLocation: true }), {
      Field(node): FieldNode | undefined {
        const alias = renaming.restored.get(responseName(node));
        if (alias === undefined) return undefined;
        // The alias may equal the name, which does no harm.
        return { ...node, alias: { kind: Kind.NAME, value: alias } };
      },
    });
    return stripIgnoredCharacters(print(document));
  }
}

const responseName = (node: FieldNode): string => node.alias?.value ?? node.name.value;
