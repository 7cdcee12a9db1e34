import type { FetchNode, PlanNode } from '../../../../../gateway/execution/compile/plan';
import { mapFetches } from '../../../../../gateway/planning/defects/map-fetches';

const fetchOf = (serviceName: string): FetchNode => ({
  kind: 'Fetch',
  serviceName,
  operation: '{a}',
  operationKind: 'query',
});
const renamed = ({ serviceName }: FetchNode): FetchNode => fetchOf(`${serviceName}!`);

it('changes the fetch that opens the source of a subscription, and those for each event', () => {
  const rest: PlanNode = {
    kind: 'Flatten',
    path: ['a'],
    node: { kind: 'Condition', condition: 'v', ifClause: fetchOf('two') },
  };
  const plan = { kind: 'QueryPlan', node: { kind: 'Subscription', primary: fetchOf('one'), rest } } as const;
  expect(
    mapFetches(
      plan,
      renamed,
      (path) => [...path, 'b'],
      (name) => `${name}!`,
    ),
  ).toEqual({
    kind: 'QueryPlan',
    node: {
      kind: 'Subscription',
      primary: fetchOf('one!'),
      rest: {
        kind: 'Flatten',
        path: ['a', 'b'],
        node: { kind: 'Condition', condition: 'v!', ifClause: fetchOf('two!'), elseClause: undefined },
      },
    },
  });
});

it('changes a subscription that needs nothing for each event', () => {
  const plan = { kind: 'QueryPlan', node: { kind: 'Subscription', primary: fetchOf('one') } } as const;
  expect(mapFetches(plan, renamed).node).toEqual({ kind: 'Subscription', primary: fetchOf('one!') });
});
