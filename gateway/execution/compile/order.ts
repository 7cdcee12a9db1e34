import { requestError } from '../../errors';
import { type Conjunction } from './conditions';
import { type ResponsePath } from './paths';
import { type FetchNode, type QueryPlan } from './plan';

/** A fetch of a plan, and its position in the plan. */
export interface OrderedFetch {
  readonly node: FetchNode;
  /** The path in the response of the objects that it fetches or extends. */
  readonly path: ResponsePath;
  readonly when: Conjunction;
  /** The numbers of the fetches in the steps before it. */
  readonly before: readonly number[];
}

/** The fetches of a plan, by number. Throws a `GraphQLError` for features that the engine lacks. */
export function fetchesOf({ node }: QueryPlan): OrderedFetch[] {
  const fetches: OrderedFetch[] = [];
  if (node !== undefined) add(node, [], [], []);
  return fetches;

  /** Returns the numbers of the fetches in a node. */
  function add(
    node: NonNullable<QueryPlan['node']>,
    path: ResponsePath,
    when: Conjunction,
    before: readonly number[],
  ): number[] {
    switch (node.kind) {
      case 'Sequence': {
        const added: number[] = [];
        for (const child of node.nodes) added.push(...add(child, path, when, [...before, ...added]));
        return added;
      }
      case 'Parallel':
        return node.nodes.flatMap((child) => add(child, path, when, before));
      case 'Flatten':
        return add(node.node, [...path, ...node.path], when, before);
      case 'Condition': {
        const { condition: variable, ifClause, elseClause } = node;
        const branch = (child: typeof ifClause, value: boolean): number[] =>
          child === undefined ? [] : add(child, path, [...when, { variable, value }], before);
        return [...branch(ifClause, true), ...branch(elseClause, false)];
      }
      case 'Fetch':
        return [fetches.push({ node, path, when, before }) - 1];
      case 'Subscription': {
        const { primary, rest } = node;
        const nodes = rest === undefined ? [primary] : [primary, rest];
        return add({ kind: 'Sequence', nodes }, path, when, before);
      }
      case 'Defer':
        throw requestError('UNSUPPORTED_OPERATION', { feature: '@defer' });
      default:
        return node satisfies never;
    }
  }
}
