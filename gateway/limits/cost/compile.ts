import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { CostDirectives } from '../../../schema/supergraph/cost-directives';
import { fragmentsOf } from '../../execution/compile/conditions';
import { type CostOfValue, compileInputCost } from './input';
import { isList, type SlicingArguments, slicingOf } from './list-size';
import { compileSize, type SizeOf } from './size-argument';

export interface CostOptions {
  readonly schema: GraphQLSchema;
  readonly directives: CostDirectives | undefined;
  /** The length of a list without a known length. */
  readonly assumedListSize: number;
}

/** A field of an operation, with fragments merged, and everything that its cost depends on. */
export interface CostField {
  readonly name: string;
  readonly responseKey: string;
  readonly coordinate: string;
  readonly isList: boolean;
  readonly weight: number;
  readonly slicing: SlicingArguments | undefined;
  /** The size of each argument in `slicing`. */
  readonly sizes: readonly SizeOf[];
  /** A node that selects it. All such nodes have the same arguments. */
  readonly node: FieldNode;
  readonly inputs: readonly { readonly argument: string; readonly cost: CostOfValue }[];
  /** Lists of conditions on variables: it is selected if all of one list hold, and always without a list. */
  readonly conditions: readonly (readonly CostCondition[])[];
  readonly assumedSize: number;
  readonly children: readonly CostField[];
}

interface CostCondition {
  readonly variable: string;
  readonly must: boolean;
}

/** The fields of an operation, with those below them. */
export function compileCostFields(
  document: DocumentNode,
  root: GraphQLCompositeType,
  selectionSet: SelectionSetNode,
  options: CostOptions,
): CostField[] {
  return new Compiler(document, options).fieldsOf([selectionSet], root);
}

class Compiler {
  readonly #options: CostOptions;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(document: DocumentNode, options: CostOptions) {
    this.#options = options;
    this.#fragments = fragmentsOf(document);
  }

  /** Merges selections of the same field, as in the answer. Selections on different types are added. */
  fieldsOf(sets: readonly SelectionSetNode[], type: GraphQLCompositeType): CostField[] {
    const found = new Map<string, CostSelection>();
    for (const { selections } of sets) this.#collect(selections, type, [], found);
    return [...found.values()].map((selected) => this.#compile(selected));
  }

  #collect(
    selections: readonly SelectionNode[],
    type: GraphQLCompositeType,
    around: readonly CostCondition[],
    found: Map<string, CostSelection>,
  ): void {
    for (const selection of selections) {
      const own = conditionsOf(selection);
      if (own === 'never') continue;
      const conditions = own.length === 0 ? around : [...around, ...own];
      if (selection.kind === Kind.FIELD) {
        const definition =
          isObjectType(type) || isInterfaceType(type) ? type.getFields()[selection.name.value] : undefined;
        // `__typename`, `__schema` and `__type` cost nothing.
        if (definition === undefined) continue;
        const responseKey = selection.alias?.value ?? selection.name.value;
        const key = `${type.name}.${responseKey}`;
        const known = found.get(key);
        if (known === undefined) {
          found.set(key, { type, definition, responseKey, nodes: [selection], conditions: [conditions] });
        } else {
          known.nodes.push(selection);
          known.conditions.push(conditions);
        }
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value)!;
      const name = fragment.typeCondition?.name.value;
      const condition = name === undefined ? type : this.#options.schema.getType(name);
      if (isCompositeType(condition))
        this.#collect(fragment.selectionSet.selections, condition, conditions, found);
    }
  }

  #compile({ type, definition, responseKey, nodes, conditions }: CostSelection): CostField {
    const { directives, assumedListSize } = this.#options;
    const coordinate = `${type.name}.${definition.name}`;
    const named = getNamedType(definition.type);
    const weights = directives?.weights ?? noWeights;
    const inputs = definition.args.flatMap(({ name, type: inputType }) => {
      const cost = compileInputCost(inputType, weights.get(`${coordinate}(${name}:)`), weights);
      return cost === undefined ? [] : [{ argument: name, cost }];
    });
    const slicing = slicingOf(definition, directives?.listSizes.get(coordinate));
    const node = nodes[0]!;
    const sets = nodes.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]));
    return {
      name: definition.name,
      responseKey,
      coordinate,
      isList: isList(definition.type),
      weight: weights.get(coordinate) ?? weights.get(named.name) ?? (isCompositeType(named) ? 1 : 0),
      slicing,
      sizes: (slicing?.arguments ?? []).map((path) => compileSize(node, definition, path)),
      node,
      inputs,
      conditions: conditions.some((all) => all.length === 0) ? [] : conditions,
      assumedSize: assumedListSize,
      children: isCompositeType(named) ? withoutFree(this.fieldsOf(sets, named)) : [],
    };
  }
}

/** Removes fields without cost, such as scalars. Of fields with the same response key the most expensive one counts. */
function withoutFree(fields: readonly CostField[]): CostField[] {
  const keys = new Set(fields.filter(mayCost).map(({ responseKey }) => responseKey));
  return fields.filter(({ responseKey }) => keys.has(responseKey));
}

const mayCost = ({ weight, slicing, inputs, children }: CostField): boolean =>
  weight !== 0 || slicing !== undefined || inputs.length > 0 || children.length > 0;

interface CostSelection {
  readonly type: GraphQLCompositeType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly responseKey: string;
  readonly nodes: FieldNode[];
  readonly conditions: (readonly CostCondition[])[];
}

const noWeights: ReadonlyMap<string, number> = new Map();

/** The variables in `@skip` and `@include` of a selection; `never` if a literal excludes it. */
function conditionsOf({ directives = [] }: SelectionNode): CostCondition[] | 'never' {
  const conditions: CostCondition[] = [];
  for (const { name, arguments: given = [] } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = given[0]?.value;
    const must = name.value === 'include';
    if (value?.kind === Kind.VARIABLE) conditions.push({ variable: value.name.value, must });
    else if (value?.kind === Kind.BOOLEAN && value.value !== must) return 'never';
  }
  return conditions;
}
