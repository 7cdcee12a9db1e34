/** Reads operations and field sets as normalised selections: without introspection, and what is never included. */
import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  parse,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { runAtOnce, type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { fragmentsOf } from '../../execution/compile/conditions';
import { StepCount } from '../budget';
import { remembered } from '../maps';
import { type SupergraphIndex } from '../supergraph-index';
import {
  allOf,
  type Conditions,
  conditionsKey,
  contradicts,
  type CustomDirective,
  heightOf,
  type Selection,
  type SelectionItem,
  unconditional,
} from '.';
import { printDefinition, printNode } from './print-nodes';

export interface SelectedOperation {
  readonly operation: OperationDefinitionNode;
  readonly selection: Selection;
  /** The definitions of the client's variables, as text. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Reads the operation of that name, or the only one, of a valid document. Spreads of one fragment share its selection. */
export function* readOperation(
  document: DocumentNode,
  operationName: string | undefined,
  { onFragments }: SupergraphIndex,
  steps: StepCount,
): SlicedWork<SelectedOperation> {
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new Error('The document has no such operation');
  const reader = new SelectionReader(false, steps, fragmentsOf(document), onFragments);
  const variables = new Map<string, string>();
  for (const definition of operation.variableDefinitions ?? [])
    variables.set(definition.variable.name.value, printDefinition(definition));
  return { operation, selection: yield* reader.selectionOf(operation.selectionSet, 0), variables };
}

export function parseFieldSet(text: string): Selection {
  const [definition] = parse(/^\s*\{/.test(text) ? text : `{${text}}`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) throw new Error(`is no field set: ${text}`);
  const reader = new SelectionReader(true, new StepCount({ steps: Infinity, depth: Infinity }));
  return runAtOnce(reader.selectionOf(definition.selectionSet, 0));
}

class SelectionReader {
  /** What fragments that are spread select. */
  readonly #known = new Map<FragmentDefinitionNode, Selection>();
  readonly #equal = new Map<string, Selection>();
  readonly #numbers = new Map<Selection, number>();

  constructor(
    readonly isRequirement: boolean,
    readonly steps: StepCount,
    readonly fragments: ReadonlyMap<string, FragmentDefinitionNode> = new Map(),
    /** The names of the directives that may stand on inline fragments. */
    readonly onFragments: ReadonlySet<string> = new Set(),
  ) {}

  *selectionOf({ selections }: SelectionSetNode, depth: number): SlicedWork<Selection> {
    this.steps.enter(depth);
    const items: SelectionItem[] = [];
    for (const node of selections) {
      this.steps.take(1);
      if (this.steps.isSliceOver) yield;
      const when = conditionsOf(node.directives);
      if (when === undefined) continue;
      if (node.kind === Kind.FIELD) {
        const { value: name } = node.name;
        if (name === '__schema' || name === '__type') continue;
        const args: readonly ArgumentNode[] = node.arguments ?? [];
        items.push({
          kind: 'field',
          responseName: node.alias?.value ?? name,
          name,
          arguments: args,
          signature: signatureOf(name, args),
          when,
          directives: customDirectives(node.directives, false),
          selection: node.selectionSet && (yield* this.selectionOf(node.selectionSet, depth + 1)),
          isRequirement: this.isRequirement,
        });
        continue;
      }
      const isSpread = node.kind === Kind.FRAGMENT_SPREAD;
      const fragment = isSpread ? this.fragments.get(node.name.value)! : node;
      const on = fragment.typeCondition?.name.value;
      let selection = this.#known.get(fragment as FragmentDefinitionNode);
      if (selection === undefined) selection = yield* this.selectionOf(fragment.selectionSet, depth + 1);
      else this.steps.enter(depth + 1 + heightOf(selection));
      if (fragment.kind === Kind.FRAGMENT_DEFINITION) this.#known.set(fragment, selection);
      // A spread becomes an inline fragment, on which not all directives of spreads may stand.
      const directives = customDirectives(node.directives, true).filter(
        ({ node: { name } }) => !isSpread || this.onFragments.has(name.value),
      );
      selection = this.#marked(selection, directives);
      items.push({ kind: 'fragment', on, when, selection, isLeftover: false });
    }
    return this.#equalOf(items);
  }

  /** The selection with these directives on a fragment around each of its fields. */
  #marked(selection: Selection, directives: readonly CustomDirective[]): Selection {
    if (directives.length === 0) return selection;
    this.steps.take(selection.length);
    return selection.map((item) =>
      item.kind === 'fragment'
        ? { ...item, selection: this.#marked(item.selection, directives) }
        : { ...item, directives: [...directives, ...item.directives] },
    );
  }

  /** Makes equal selections one object, so that what is planned for one is planned for all. */
  #equalOf(items: Selection): Selection {
    let key = '';
    for (const item of items) {
      key += item.kind === 'field' ? `${item.responseName}:${item.signature}` : `...${item.on ?? ''}`;
      key += conditionsKey(item.when);
      for (const { isOnFragment, text } of item.kind === 'field' ? item.directives : [])
        key += `${isOnFragment ? '@' : ''}${text}`;
      if (item.selection !== undefined)
        key += `{${remembered(this.#numbers, item.selection, () => this.#numbers.size)}`;
      key += '|';
    }
    return remembered(this.#equal, key, () => items);
  }
}

/** Name and arguments of a field, in one order. */
const signatureOf = (name: string, args: readonly ArgumentNode[]): string =>
  args.length === 0
    ? name
    : `${name}(${args
        .map((one) => printNode(one).text)
        .sort()
        .join()})`;

/** The conditions of `@skip` and `@include`; undefined where a selection is never included. */
function conditionsOf(directives: readonly DirectiveNode[] = []): Conditions | undefined {
  let when = unconditional;
  for (const { name, arguments: args = [] } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = args[0]?.value;
    const included = name.value === 'include';
    if (value?.kind === Kind.BOOLEAN && value.value !== included) return undefined;
    if (value?.kind === Kind.VARIABLE) when = allOf(when, [{ variable: value.name.value, value: included }]);
  }
  return contradicts(when) ? undefined : when;
}

const notForSubgraphs = new Set(['skip', 'include', 'defer', 'stream']);

const customDirectives = (nodes: readonly DirectiveNode[] = [], isOnFragment: boolean): CustomDirective[] =>
  nodes
    .filter(({ name }) => !notForSubgraphs.has(name.value))
    .map((node) => ({ node, isOnFragment, text: printNode(node).text }));
