import {
  entityTag,
  operationTag,
  subgraphTag,
  typeTag,
  unknownEntityTag,
  unknownOf,
} from '../../../../gateway/cache/tags';

it('names the parts of an answer', () => {
  expect([subgraphTag('accounts'), typeTag('User'), operationTag('Me')]).toEqual([
    'subgraph:accounts',
    'type:User',
    'operation:Me',
  ]);
});

it.each<[string, Record<string, unknown>]>([
  ['User:id=1', { __typename: 'User', id: '1' }],
  ['User:id=1', { id: 1 }],
  ['User:id=1,org=2', { org: '2', id: '1' }],
  ['User:id=1,org.id=2,org.region.code=eu', { org: { region: { code: 'eu' }, id: 2 }, id: 1 }],
  ['User:id=null', { id: null }],
  ['User:ids=[1,"2"]', { ids: [1, '2'] }],
  ['User:is=true', { is: true }],
])('names an entity %s', (tag, key) => {
  expect(entityTag('User', key)).toBe(tag);
});

it.each<[string, string[]]>([
  ['User:id=1', ['User:id=?']],
  ['User:org.id=1,zip=2', ['User:org.id=?']],
  ['type:User', []],
  ['operation:Me', []],
  ['subgraph:of User:id=1', []],
  ['', []],
])('names the tag for an unknown entity of %s', (tag, unknown) => {
  expect(unknownOf(tag)).toEqual(unknown);
});

it('names an unknown entity by the first field of its tag', () => {
  for (const fields of [
    ['id', 'id2'],
    ['id2', 'id'],
  ]) {
    const key = Object.fromEntries(fields.map((field) => [field, '1']));
    expect(unknownOf(entityTag('User', key))).toEqual([unknownEntityTag('User', fields)]);
  }
});
