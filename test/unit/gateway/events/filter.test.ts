import { readEvent } from '../../../../gateway/events/domain-event';
import { argumentsIn, bindFilter } from '../../../../gateway/events/filter';
import { parseOptions } from '../../../../gateway/options';
import { eventBody } from '../../../support/event-publisher';

const optionsOf = (field: object) => {
  const given = { types: ['A'], key: { id: 'subject' }, ...field };
  return parseOptions({ events: { subscriptions: { a: given } } }).events.subscriptions['a']!;
};
const data = {
  n: 5,
  t: 'plate',
  yes: true,
  tags: ['a', 'b', 3],
  lines: [{ upc: 'x' }],
  nothing: null,
  map: {},
};
const event = readEvent(Buffer.from(eventBody({ subject: '12', data })));
const bind = (field: object, args: object = {}, claims: object = {}) =>
  bindFilter(optionsOf(field), { args: { ...args }, claims: { ...claims } });
const lets = (field: object, args?: object, claims?: object): boolean =>
  bind(field, args, claims).matches(event);

describe('an operator of AppSync', () => {
  it.each<[object, boolean]>([
    ...[
      [{ subject: { eq: '12' } }, true],
      [{ subject: { eq: 12 } }, true],
      [{ 'data.yes': { eq: true } }, true],
      [{ 'data.yes': { eq: 'true' } }, false],
      [{ 'data.n': { ne: 4 } }, true],
      [{ 'data.n': { ne: 5 } }, false],
    ].map((each) => each as [object, boolean]),
    [{ 'data.n': { le: 5, ge: 5 } }, true],
    [{ 'data.n': { lt: 5 } }, false],
    [{ 'data.n': { gt: 4 } }, true],
    [{ 'data.t': { gt: 'pla', lt: 'platf' } }, true],
    [{ 'data.t': { gt: 4 } }, false],
    [{ 'data.t': { contains: 'lat' } }, true],
    [{ 'data.tags': { contains: 'a' } }, true],
    [{ 'data.tags': { contains: '3' } }, true],
    [{ 'data.tags': { notContains: 'z' } }, true],
    [{ 'data.tags': { notContains: 'a' } }, false],
    [{ 'data.t': { beginsWith: 'pl' } }, true],
    [{ 'data.t': { in: ['bowl', 'plate'] } }, true],
    [{ 'data.t': { notIn: ['bowl'] } }, true],
    [{ 'data.t': { notIn: ['plate'] } }, false],
    [{ 'data.n': { between: [5, 6] } }, true],
    [{ 'data.n': { between: [6, 9] } }, false],
    [{ 'data.tags': { containsAny: ['z', 'b'] } }, true],
    [{ 'data.tags': { containsAny: ['z'] } }, false],
  ])('%j: %s', (group, expected) => {
    expect(lets({ filter: [group] })).toBe(expected);
  });

  const operators = {
    ...{ eq: 1, ne: 1, le: 1, lt: 1, ge: 1, gt: 1, contains: 'a', notContains: 'a', beginsWith: 'a' },
    ...{ in: [1], notIn: [1], between: [0, 9], containsAny: [1] },
  };
  it.each(Object.entries(operators))(
    '%s does not hold for a value that is missing, null or a map',
    (name, operand) => {
      for (const path of ['data.none', 'data.nothing', 'data.map', 'data.constructor', 'data.t.length'])
        expect([path, lets({ filter: [{ [path]: { [name]: operand } }] })]).toEqual([path, false]);
    },
  );
});

describe('groups', () => {
  const holds = { 'data.n': { eq: 5 } };
  const fails = { 'data.n': { eq: 6 } };

  it.each([
    ['without any, every event', [], {}, true],
    ['one of them', [fails, holds], {}, true],
    ['all conditions of a group', [{ ...holds, subject: { eq: 'x' } }], {}, false],
    ['`only` in addition', [holds], fails, false],
    ['`only` alone', [], holds, true],
  ])('let through %s', (_, filter, only, expected) => {
    expect(lets({ filter, only })).toBe(expected);
  });
});

describe('values of a client', () => {
  const byArgument = {
    filter: [{ subject: { in: '{$args.where.ids}' }, 'data.n': { ge: '{$args.least?}' } }],
  };
  const byClaim = { only: { subject: { eq: '{$claims.sub}' } } };

  it('are those of arguments and claims, and their names are known', () => {
    expect(lets(byArgument, { where: { ids: ['12'] } })).toBe(true);
    expect(lets(byArgument, { where: { ids: ['13'] } })).toBe(false);
    expect(lets(byArgument, { where: { ids: '12' }, least: 6 })).toBe(false);
    expect(lets(byClaim, {}, { sub: '12' })).toBe(true);
    expect(lets(byClaim, { sub: '12' }, { sub: '13' })).toBe(false);
    expect(argumentsIn(optionsOf(byArgument))).toEqual(['where', 'least']);
  });

  it.each<[object, object, string]>([
    [byArgument, {}, 'The argument `where.ids` is needed: it says which events are wanted.'],
    [byArgument, { where: null }, 'The argument `where.ids` is needed: it says which events are wanted.'],
    [
      byArgument,
      { where: { ids: [{}] } },
      'The argument `where.ids` must be a list of texts, numbers or booleans.',
    ],
    [
      byArgument,
      { where: { ids: ['a'] }, least: {} },
      'The argument `least` must be a text, a number or a boolean.',
    ],
    [byClaim, { sub: 'a' }, 'The claim `sub` is needed: it says which events are wanted.'],
  ])('are asked for: %j with %j', (field, args, message) => {
    expect(() => bind(field, args)).toThrow(message);
  });

  it('are at most 1000 for a list', () => {
    const ids = Array.from({ length: 1001 }, (_, i) => `${i}`);
    expect(lets(byArgument, { where: { ids: ids.slice(1) } })).toBe(true);
    expect(() => bind(byArgument, { where: { ids } })).toThrow(
      'The argument `where.ids` has 1001 values; 1000 is the limit.',
    );
  });

  it('make one scope of equal filters, and another of others', () => {
    const scope = (ids: unknown) => bind(byArgument, { where: { ids } }).scope;
    expect([
      scope(['a']) === scope(['a']),
      scope(['a']) === scope(['b']),
      scope(['a,b']) === scope(['a', 'b']),
    ]).toEqual([...[true, false, false]]);
  });

  it.each([
    ['filter', [{ subject: { eq: '{$arg.a}' } }]],
    ['filter', [{ subject: { eq: '{$claims.sub?}' } }]],
    ['only', { subject: { eq: '{$args.a}' } }],
  ])('are refused in `%s` where a client could leave them out, or they are misspelt: %j', (name, value) => {
    expect(() => optionsOf({ [name]: value })).toThrow(`\`events.subscriptions.a.${name}`);
  });
});
