/** Fields of selections, and what fields are made of. */
import {
  type BooleanValueNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  stripIgnoredCharacters,
} from 'graphql';
import { fieldSetOf, type SelectionMap } from '../../../../schema/supergraph/sources/selection-map';
import type { SourceField, SourceType } from '../../../../schema/supergraph/sources/source-schema';

/** A field of an object, with all that is selected of it by one response name. */
export interface SelectedField {
  readonly key: string;
  readonly name: string;
  readonly node: FieldNode;
  readonly selections: readonly SelectionNode[];
}

/** The selections of an operation, for certain values of the variables in its conditions. */
export class Selections {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;

  constructor(
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    variables: Readonly<Record<string, unknown>>,
  ) {
    this.#fragments = fragments;
    this.#variables = variables;
  }

  /** @param isOn whether a fragment on a type of the graph counts */
  fieldsOf(selections: readonly SelectionNode[], isOn: (type: string) => boolean): SelectedField[] {
    const fields = new Map<string, SelectedField & { readonly selections: SelectionNode[] }>();
    const collect = (nodes: readonly SelectionNode[]): void => {
      for (const node of nodes) {
        if (!this.#isIncluded(node)) continue;
        if (node.kind !== Kind.FIELD) {
          const { typeCondition, selectionSet } =
            node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value)!;
          if (typeCondition === undefined || isOn(typeCondition.name.value)) collect(selectionSet.selections);
          continue;
        }
        const key = node.alias?.value ?? node.name.value;
        const below = node.selectionSet?.selections ?? [];
        const known = fields.get(key);
        if (known !== undefined) known.selections.push(...below);
        else fields.set(key, { key, name: node.name.value, node, selections: [...below] });
      }
    };
    collect(selections);
    return [...fields.values()];
  }

  #isIncluded({ directives = [] }: SelectionNode): boolean {
    return directives.every(({ name, arguments: args }) => {
      const value = conditions.has(name.value) ? args?.[0]?.value : undefined;
      if (value === undefined) return true;
      const holds =
        value.kind === Kind.VARIABLE ? this.#variables[value.name.value] : (value as BooleanValueNode).value;
      return (holds === true) === (name.value === 'include');
    });
  }
}

export const conditions: ReadonlySet<string> = new Set(['skip', 'include']);

/** What a field with `@derive`, `@from` or `@require` is made of. */
export const mapsOf = ({ derived, arguments: args }: SourceField): readonly SelectionMap[] =>
  derived === undefined ? [...args.values()].flatMap(({ require }) => require ?? []) : [derived];

export const isMade = ({ derived, from }: SourceField): boolean =>
  derived !== undefined || from !== undefined;

/** Whether objects of a type have a field as it is. */
export const isPlain = ({ fields }: SourceType, name: string): boolean => {
  const field = fields.get(name);
  return field !== undefined && !isMade(field);
};

/** The fields that maps need of their object. */
export function fieldsIn(maps: readonly SelectionMap[]): readonly FieldNode[] {
  const set = fieldSetOf(maps);
  if (set === '') return [];
  const [operation] = parse(`{${set}}`, { noLocation: true }).definitions;
  const { selections } = (operation as OperationDefinitionNode).selectionSet;
  return new Selections(new Map(), {}).fieldsOf(selections, () => true).map(({ node }) => node);
}

/** A field without arguments, as text. */
export const fieldText = ({ name, selectionSet }: FieldNode): string =>
  `${name.value}${selectionSet === undefined ? '' : stripIgnoredCharacters(print(selectionSet))}`;
