/** The nodes of a plan from the fetches of its stages. */
import { OperationTypeNode } from 'graphql';
import { type FetchNode, type PlanNode } from '../../execution/compile/plan';
import { representationsVariable } from '../../execution/compile/subgraph-operation';
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { groupsBy } from '../maps';
import { printNodes } from '../selections/print-nodes';
import { type SelectedOperation } from '../selections/read-selections';
import { implies, type Conditions } from '../selections';
import { type SupergraphIndex } from '../supergraph-index';
import { type FetchDraft, type SelectionDraft } from './drafts';
import { OperationPrinter, stepsOf } from './print-operation';
import { requiredSelections } from './representations';
import { separateNames } from './response-names';

/** A fetch as a node, with its path and conditions. */
interface LocatedNode {
  readonly node: WritableFetchNode;
  path: readonly string[];
  readonly when: Conditions;
}

/** While it is made. */
type WritableFetchNode = { -readonly [Key in keyof FetchNode]: FetchNode[Key] };

/** Makes the nodes of the fetches for one operation. */
export class NodeWriter {
  /** How many fetches have a name. */
  #names = 0;

  constructor(
    readonly client: SelectedOperation,
    readonly index: SupergraphIndex,
  ) {}

  /** The stages of some fetches, each as one node. */
  *write(drafts: readonly FetchDraft[], steps: StepCount): SlicedWork<PlanNode[]> {
    const stages: LocatedNode[][] = [];
    for (const draft of drafts) {
      if (steps.isSliceOver) yield;
      const { isOfEntities, path, selection, stage, when } = draft;
      if (isOfEntities && when.length > 0) withoutConditions(selection, when);
      (stages[stage] ??= []).push({ node: yield* this.#fetchNode(draft, steps), path, when });
    }
    const whole: PlanNode[] = [];
    for (const located of stages) {
      const nodes: PlanNode[] = [];
      for (const alike of groupsBy(located, ({ node }) => `${node.serviceName} ${node.operation}`)) {
        for (const one of yield* joined(alike, steps)) {
          if (steps.isSliceOver) yield;
          this.#addHead(one.node);
          nodes.push(planNode(one));
        }
      }
      whole.push(nodes.length === 1 ? nodes[0]! : { kind: 'Parallel', nodes });
    }
    return whole;
  }

  /** Adds the kind of the operation, and its name: the client's, with the subgraph and its number in the plan. */
  #addHead(node: WritableFetchNode): void {
    const { operation, operationKind: kind, serviceName } = node;
    const { name } = this.client.operation;
    if (name !== undefined) {
      node.operationName = `${name.value}__${serviceName.replace(/\W/g, '_')}__${this.#names++}`;
      node.operation = `${kind} ${node.operationName}${operation}`;
    } else if (!operation.startsWith('{') || kind !== 'query') node.operation = kind + operation;
  }

  *#fetchNode(draft: FetchDraft, steps: StepCount): SlicedWork<WritableFetchNode> {
    const { client } = this;
    const { contexts, inputRewrites, isOfEntities, requires, selection, subgraph, typeKeys } = draft;
    const outputRewrites = separateNames([selection]);
    const printer = new OperationPrinter(steps);
    const body = yield* printer.print(selection, true);
    const isClients = !isOfEntities && draft.path.length === 0;
    const { directives: clients = [], operation } = client.operation;
    const kind = isClients ? operation : OperationTypeNode.QUERY;
    const directives =
      kind === operation ? clients : clients.filter(({ name }) => this.index.onQueries.has(name.value));
    const head = printNodes(directives, printer.variables).join('');
    const definitions = isOfEntities ? [`$${representationsVariable}:[_Any!]!`] : [];
    for (const name of printer.variables) definitions.push(client.variables.get(name)!);
    const fromContexts = [...contexts.values()];
    for (const { name, type } of fromContexts) definitions.push(`$${name}:${type}`);
    const variables = definitions.length === 0 ? '' : `(${definitions.join(' ')})`;
    const whole = isOfEntities ? `_entities(representations:$${representationsVariable}){${body}}` : body;
    const contextRewrites = fromContexts.flatMap(({ rewrites }) => [...rewrites.values()]);
    const node: WritableFetchNode = {
      kind: 'Fetch',
      serviceName: this.index.subgraphs[subgraph]!.name,
      operation: [`${variables}${head}{${whole}}`, ...printer.fragments].join(' '),
      operationKind: kind,
      variableUsages: [...printer.variables, ...fromContexts.map(({ name }) => name)],
    };
    steps.take(stepsOf(node.operation) + stepsOf(draft.path.join()));
    if (isOfEntities)
      node.requires = [...requires].map(([typeCondition, drafts]) => ({
        kind: 'InlineFragment',
        typeCondition,
        selections: [{ kind: 'Field', name: '__typename' }, ...requiredSelections(drafts)],
      }));
    if (inputRewrites.size > 0) node.inputRewrites = [...inputRewrites.values()];
    if (outputRewrites.length > 0) node.outputRewrites = outputRewrites;
    if (contextRewrites.length > 0) node.contextRewrites = contextRewrites;
    if (typeKeys.size > 0) node.typeKeys = [...typeKeys];
    return node;
  }
}

/** Removes the conditions that the node around a fetch has. */
function withoutConditions({ fields, fragments }: SelectionDraft, when: Conditions): void {
  for (const field of fields.values()) field.when = field.when.filter((one) => !implies(when, [one]));
  for (const fragment of fragments.values()) withoutConditions(fragment, when);
}

/** Equal fetches whose paths differ only in one list of types become one. */
function* joined(alike: readonly LocatedNode[], steps: StepCount): SlicedWork<readonly LocatedNode[]> {
  if (alike.length === 1) return alike;
  const keys = new Map<LocatedNode, string>();
  const known = new Set<string>();
  const repeated = new Set<string>();
  for (const located of alike) {
    if (steps.isSliceOver) yield;
    const key = JSON.stringify([located.path.map(keyOf), located.when]);
    keys.set(located, key);
    if (known.size === known.add(key).size) repeated.add(key);
  }
  const equal = groupsBy(alike, (located) => {
    const key = keys.get(located)!;
    return repeated.has(key) ? key + JSON.stringify(located.node) : key;
  });
  for (const group of equal) yield* joinPaths(group, steps);
  return equal.flat();
}

function* joinPaths(group: LocatedNode[], steps: StepCount): SlicedWork<void> {
  for (let last = 0; last < group.length; last++) {
    let one = last;
    for (let other = one + 1; other < group.length; other++) {
      if (steps.isSliceOver) yield;
      if (other % 100 === 99) steps.take(1);
      if (other === one) continue;
      const [first, second] = [Math.min(one, other), Math.max(one, other)];
      const path = pathOfBoth(group[first]!.path, group[second]!.path);
      if (path === undefined) continue;
      group[first]!.path = path;
      group.splice(second, 1);
      if (second <= last) last--;
      // With its new path it may fit each of the others.
      [one, other] = [first, -1];
    }
  }
}

function pathOfBoth(one: readonly string[], other: readonly string[]): readonly string[] | undefined {
  const at = one.findIndex((element, i) => element !== other[i]);
  if (at === -1) return one;
  if (one.some((element, i) => i > at && element !== other[i])) return undefined;
  const [some, others] = [typesOf(one[at]!), typesOf(other[at]!)];
  const types = some && others ? `|[${[...new Set([...some, ...others])].join()}]` : '';
  return one.with(at, keyOf(one[at]!) + types);
}

const keyOf = (element: string): string => (element.includes('|') ? element.split('|', 1)[0]! : element);

const typesOf = (element: string): string[] | undefined => element.split('|[', 2)[1]?.slice(0, -1).split(',');

function planNode({ node, path, when }: LocatedNode): PlanNode {
  let whole: PlanNode = path.length === 0 ? node : { kind: 'Flatten', path, node };
  for (const { value, variable: condition } of when)
    whole = { kind: 'Condition', condition, ...(value ? { ifClause: whole } : { elseClause: whole }) };
  return whole;
}
