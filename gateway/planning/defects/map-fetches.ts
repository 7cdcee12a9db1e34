import { type FetchNode, type PlanNode, type QueryPlan } from '../../execution/compile/plan';

/** Maps the fetches of a plan, its paths, and the variables of its conditions. */
export function mapFetches(
  plan: QueryPlan,
  change: (node: FetchNode) => PlanNode,
  changePath: (path: readonly (string | number)[]) => readonly (string | number)[] = (path) => path,
  changeVariable: (name: string) => string = (name) => name,
): QueryPlan {
  const map = (node: PlanNode): PlanNode => {
    switch (node.kind) {
      case 'Sequence':
      case 'Parallel':
        return { ...node, nodes: node.nodes.map(map) };
      case 'Flatten':
        return { ...node, path: changePath(node.path), node: map(node.node) };
      case 'Condition':
        return {
          ...node,
          condition: changeVariable(node.condition),
          ifClause: node.ifClause && map(node.ifClause),
          elseClause: node.elseClause && map(node.elseClause),
        };
      case 'Fetch':
        return change(node);
      case 'Defer':
        return node;
    }
  };
  const { node } = plan;
  if (node === undefined) return plan;
  if (node.kind !== 'Subscription') return { ...plan, node: map(node) };
  const primary = change(node.primary);
  // Only a fetch of entities becomes several.
  if (primary.kind !== 'Fetch') throw new Error(`A source is opened by one fetch, but got: ${primary.kind}`);
  return { ...plan, node: { ...node, primary, rest: node.rest && map(node.rest) } };
}

/** Appends a type condition to a rewrite's path. It replaces a condition at the end. */
export const withCondition = (
  path: readonly string[],
  typeCondition: string | undefined,
): readonly string[] => {
  if (typeCondition === undefined) return path;
  const isCondition = path.at(-1)?.startsWith('... on ') ?? false;
  return [...(isCondition ? path.slice(0, -1) : path), `... on ${typeCondition}`];
};
