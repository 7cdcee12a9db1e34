import {
  type EntityAnswers,
  readEntities,
  withRepresentations,
  writeEntities,
} from '../../../../../gateway/subgraph-calls/wire/entities';
import type { EntityList, SubgraphRequest } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { entitiesRequestOf, operationOf } from '../../../../support/subgraph-request';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const user = (id: number) => ({ __typename: 'User', id });

/** A request of two lists in one operation. */
function twoLists(first: readonly object[], second: readonly object[]): SubgraphRequest {
  const list = (number: number, representations: readonly object[]): EntityList => ({
    responseKey: `_entities_${number}`,
    variable: `representations_${number}`,
    selection: `selection ${number}`,
    arguments: Buffer.alloc(0),
    count: representations.length,
    representations: representations.map(bytes),
  });
  return {
    operation: operationOf('{both}'),
    variables: bytes({ representations_0: first, size: 3, representations_1: second }),
    caller: callerOf(),
    entities: [list(0, first), list(1, second)],
  };
}

describe('a request with other representations', () => {
  it('keeps its other variables', () => {
    const request = entitiesRequestOf({ representations: [user(1), user(2)], variables: { first: 10 } });
    const other = withRepresentations(request, [[user(7), user(8), user(9)].map(bytes)]);
    expect(JSON.parse(other.variables.toString())).toEqual({
      representations: [user(7), user(8), user(9)],
      first: 10,
    });
    expect(other.entities![0]!.representations.map(String)).toEqual(
      [user(7), user(8), user(9)].map((each) => JSON.stringify(each)),
    );
    expect(other.operation).toBe(request.operation);
    expect(other.entities![0]!.selection).toBe(request.entities![0]!.selection);
  });

  it('has them in each of its lists, which may become empty and be filled again', () => {
    const request = twoLists([user(1)], [user(2)]);
    const emptied = withRepresentations(request, [[], [bytes(user(5))]]);
    expect(JSON.parse(emptied.variables.toString())).toEqual({
      representations_0: [],
      size: 3,
      representations_1: [user(5)],
    });
    const filled = withRepresentations(emptied, [[bytes(user(6))], []]);
    expect(JSON.parse(filled.variables.toString())).toEqual({
      representations_0: [user(6)],
      size: 3,
      representations_1: [],
    });
  });
});

describe('a response', () => {
  const { entities: three } = entitiesRequestOf({ representations: [user(1), user(2), user(3)] });
  const read = (response: unknown, lists = three!) =>
    readEntities(typeof response === 'string' ? Buffer.from(response) : bytes(response), lists);

  it('is split into entities, errors and extensions', () => {
    const ofSecond = { message: 'b', path: ['_entities', 1, 'name'] };
    const ofNone = [{ message: 'a' }, { message: 'c', path: ['_entities'] }, 'odd', null];
    const answers = read({
      data: { _entities: [{ name: 'Ada' }, null, { name: 'Alan' }] },
      errors: [ofNone[0], ofSecond, ...ofNone.slice(1)],
      extensions: { cost: 1 },
    }) as EntityAnswers;
    expect(answers.lists[0]!.map(({ json, errors }) => [json.toString(), errors])).toEqual([
      ['{"name":"Ada"}', []],
      ['null', [ofSecond]],
      ['{"name":"Alan"}', []],
    ]);
    expect(answers.errors).toEqual(ofNone);
    expect(answers.extensions!.toString()).toBe('{"cost":1}');
  });

  it('is written for another request, with error paths of that request', () => {
    const answers = read({
      data: { _entities: [{ name: 'Ada' }, null, { name: 'Alan' }] },
      errors: [{ message: 'b', path: ['_entities', 1, 'name'], extensions: { code: 'X' } }],
      extensions: { cost: 1 },
    }) as EntityAnswers;
    const [first, second] = answers.lists[0]!;
    const lists = [[second!, first!], []];
    const body = writeEntities(twoLists([], []).entities!, { ...answers, lists });
    expect(JSON.parse(body.toString())).toEqual({
      data: { _entities_0: [null, { name: 'Ada' }], _entities_1: [] },
      errors: [{ message: 'b', path: ['_entities_0', 0, 'name'], extensions: { code: 'X' } }],
      extensions: { cost: 1 },
    });
  });

  it('without errors is written without errors', () => {
    const response = '{"data":{"_entities":[{"a":1},{"a":2},null]}}';
    expect(writeEntities(three!, read(response) as EntityAnswers).toString()).toBe(response);
    expect(read('{"errors":null,"data":{"_entities":[1,2,3]}}')).toMatchObject({ errors: [] });
  });

  it('is split by list if there are several', () => {
    const { entities } = twoLists([user(1)], [user(2), user(3)]);
    const error = { message: 'x', path: ['_entities_1', 1] };
    const answers = read(
      { data: { _entities_1: [{ b: 1 }, { b: 2 }], _entities_0: [{ a: 1 }] }, errors: [error] },
      entities,
    ) as EntityAnswers;
    expect(answers.lists.map((list) => list.map(({ json }) => json.toString()))).toEqual([
      ['{"a":1}'],
      ['{"b":1}', '{"b":2}'],
    ]);
    expect(answers.lists[1]![1]!.errors).toEqual([error]);
  });

  it.each([{ errors: [{ message: 'a' }] }, { data: null, errors: [{ message: 'a' }] }])(
    'without data is recognised: %j',
    (response) => {
      expect(read(response)).toBe('no data');
    },
  );

  it.each([
    '',
    'Bad gateway',
    '{}',
    '[]',
    '{"data":null}',
    '{"data":{}}',
    '{"data":{"_entities":null}}',
    '{"data":{"_entities":[{},{}]}}',
    '{"data":{"_entities":[{},{},{},{}]}}',
    '{"data":{"_entities":[{},{},{}]},"errors":{}}',
    '{"data":{"_entities":[{},{},{}]},"errors":[}]}',
    '{"data":{"_entities":[{},{},{}]}',
    '{"data":{"_entities":[{},{},{}]}} more',
  ])('that does not answer each representation is unreadable: %j', (response) => {
    expect(read(response)).toBe('unreadable');
  });
});
