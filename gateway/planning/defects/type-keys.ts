import { type QueryPlan } from '../../execution/compile/plan';
import { type SubgraphFacts } from '../entity-facts';
import { mapFetches } from './map-fetches';

/**
 * Says in plans which objects can be asked for by their type alone: those whose key is `__typename`.
 *
 * The planner joins what a fetch requires for all of its fields: `{ __typename }` for one and `{ __typename price }` for
 * another become the latter. Where conditions leave the price out, nothing would tell this type from one whose key has
 * been left out.
 *
 * Upstream: https://github.com/apollographql/federation/issues/3317 is another consequence of the joined requirements.
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
