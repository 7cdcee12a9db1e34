import { parse } from 'graphql';
import { withDirectivesOfKind } from '../../../../../gateway/planning/defects/operation-directives';

const notOnQueries = new Set(['once']);
const client = 'mutation ($k: ID, $n: Int) @once(key: $k) @trace(id: $k) { user { name } }';

const fetched = (operation: string, operationKind: string, variableUsages: string[], document = client) =>
  withDirectivesOfKind(
    {
      kind: 'QueryPlan',
      node: { kind: 'Fetch', serviceName: 'users', operation, operationKind, variableUsages },
    },
    parse(document),
    notOnQueries,
  ).node;

it.each([
  [
    'leaves a directive of mutations out of a query, with its variables',
    'query($r:[_Any!]!$k:ID$n:Int)@once(key:$k){_entities(representations:$r){...on User{name(n:$n)}}}',
    'query($r:[_Any!]!$n:Int){_entities(representations:$r){...on User{name(n:$n)}}}',
    ['n'],
  ],
  [
    'keeps a directive that may stand on queries, with its variables',
    'query($k:ID$n:Int)@once(key:$k)@trace(id:$k){user(n:$n)}',
    'query($k:ID$n:Int)@trace(id:$k){user(n:$n)}',
    ['k', 'n'],
  ],
  [
    'leaves a directive of that name on a field',
    'query($k:ID$n:Int)@once(key:$k){user(n:$n)@once(key:$k)}',
    'query($k:ID$n:Int){user(n:$n)@once(key:$k)}',
    ['k', 'n'],
  ],
])('%s', (_name, operation, expected, variableUsages) => {
  expect(fetched(operation, 'query', ['k', 'n'])).toMatchObject({ operation: expected, variableUsages });
});

it('keeps a directive of mutations on a mutation', () => {
  const operation = 'mutation($k:ID)@once(key:$k){user{id}}';
  expect(fetched(operation, 'mutation', ['k'])).toMatchObject({ operation, variableUsages: ['k'] });
});
