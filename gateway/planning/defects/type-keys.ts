import { type QueryPlan } from '../../execution/compile/plan';
import { type SubgraphFacts } from '../entity-facts';
import { mapFetches } from './map-fetches';

/**
 * Marks in plans which objects can be fetched by their type alone: those whose key is `__typename`.
 *
 * The planner merges the requirements of all fields of a fetch: `{ __typename }` for one field and `{ __typename price
 * }` for another become the latter. If conditions then exclude the price, this type could not be told apart from one
 * whose key was excluded.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3317 is another consequence of the merged requirements.
 */
export const withTypeKeys = (plan: QueryPlan, subgraphs: ReadonlyMap<string, SubgraphFacts>): QueryPlan =>
  mapFetches(plan, (node) => {
    const keys = subgraphs.get(node.serviceName)?.keys;
    const typeKeys = (node.requires ?? []).flatMap((selection) => {
      const type = selection.kind === 'InlineFragment' ? selection.typeCondition : undefined;
      return type !== undefined && keys?.get(type)?.includes('__typename') === true ? [type] : [];
    });
    return typeKeys.length === 0 ? node : { ...node, typeKeys };
  });
