import { getIntrospectionQuery } from 'graphql';
import { createMeasure, isWithin, refusalOf } from '../../../../gateway/limits/document-limits';
import { createClientLimits } from '../../../../gateway/limits/client-limits';
import { anonymous } from '../../../../gateway/auth/identity';
import { parseOptions } from '../../../../gateway/options';

const limits = createClientLimits({ limits: parseOptions({}).limits, introspection: true }).of(anonymous);
const measure = createMeasure([limits]);
const codeOf = (document: string) => refusalOf(measure(document), limits)?.extensions['code'];
const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

describe('measures', () => {
  it.each([
    ['{ a }', { tokens: 3, depth: 1, selections: 1, rootFields: 1 }],
    [
      'query Q($a: [Int!] = [1]) @x { a(b: { c: [[$a]] }) { d } }',
      { depth: 3, selections: 2, directives: 1 },
    ],
    ['{ x: a y: a { z: b } }', { aliases: 3, rootFields: 2, selections: 3, depth: 2 }],
    [
      '{ ... { a } ... on Query @include(if: true) { b c { d } } }',
      { rootFields: 3, depth: 3, selections: 4 },
    ],
    ['{ ...F } fragment F on Query { a ...G } fragment G on Query { b { c } }', { rootFields: 2, depth: 4 }],
    ['{ a { ...F ...F } } fragment F on A { b c }', { rootFields: 1, selections: 5, depth: 3 }],
    ['fragment on on on { a }', { selections: 1, rootFields: 0 }],
    ['query fragment { fragment { on } }', { selections: 2, depth: 2, rootFields: 1 }],
    ['{ a } # { { { {', { depth: 1 }],
    ['{ a(b: "{{{", c: """{{{""") }', { depth: 1 }],
    ['{ a } { b c }', { rootFields: 2 }],
  ])('%s', (document, expected) => {
    expect(measure(document)).toMatchObject(expected);
  });

  it('whether a field asks for the schema, under an alias and in a fragment too', () => {
    const asks = [
      '{ __schema { a } }',
      '{ x: __type { a } }',
      '{ ...F } fragment F on Query { __schema { a } }',
    ];
    expect(asks.map((document) => measure(document).introspects)).toEqual([true, true, true]);
    const others = ['{ __typename }', '{ __schema: a }', '{ a(b: "__schema") }', '{ a(__type: 1) }'];
    expect(others.map((document) => measure(document).introspects)).toEqual([false, false, false, false]);
  });
});

describe('refuses', () => {
  it.each([
    ['15,001 tokens', `{ ${'a '.repeat(14_999)}}`, 'GRAPHQL_PARSE_FAILED'],
    ['3,000 levels', '{a'.repeat(3_000) + '}'.repeat(3_000), 'MAX_DEPTH_LIMIT'],
    ['1,000,000 levels', '{a'.repeat(1_000_000), 'MAX_DEPTH_LIMIT'],
    ['levels of inline fragments', '{...'.repeat(40) + '{a}' + '}'.repeat(40), 'MAX_DEPTH_LIMIT'],
    ['levels of a literal', `{ a(b: ${'['.repeat(40)}${']'.repeat(40)}) }`, 'MAX_DEPTH_LIMIT'],
    ['levels of a type', `query ($a: ${'['.repeat(40)}Int${']'.repeat(40)}) { a }`, 'MAX_DEPTH_LIMIT'],
    [
      'a chain of 40 fragments',
      `{ ...F0 } ${times(40, (i) => `fragment F${i} on Q { a { ...F${i + 1} } }`)} fragment F40 on Q { a }`,
      'MAX_DEPTH_LIMIT',
    ],
    ['1,000 aliases', `{ ${times(1_000, (i) => `a${i}: me`)} }`, 'MAX_ALIASES_LIMIT'],
    ['100 root fields', `{ ${'me '.repeat(100)} }`, 'MAX_ROOT_FIELDS_LIMIT'],
    [
      '100 root fields by fragments',
      `{ ${'...F '.repeat(10)} } fragment F on Query { ${'me '.repeat(10)} }`,
      'MAX_ROOT_FIELDS_LIMIT',
    ],
    ['5,000 directives', `{ me ${'@skip '.repeat(5_000)} }`, 'MAX_DIRECTIVES_LIMIT'],
    ['6,000 fields', `{ me { ${'id '.repeat(6_000)} } }`, 'MAX_SELECTIONS_LIMIT'],
    [
      'fragments that double 25 times',
      `{ me { ...F0 } } ${times(25, (i) => `fragment F${i} on U { ...F${i + 1} ...F${i + 1} }`)} fragment F25 on U { id }`,
      'MAX_SELECTIONS_LIMIT',
    ],
  ])('%s', (_, document, code) => {
    expect(codeOf(document)).toBe(code);
  });

  it('nothing of what tools send', () => {
    expect(codeOf(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }))).toBeUndefined();
  });
});

it('ends with circles of fragments, which validation refuses', () => {
  const circle = '{ ...A } fragment A on Q { a ...B } fragment B on Q { ...A ...B b }';
  expect(isWithin(measure(circle), limits)).toBe(true);
});

it('ends with a chain of fragments as long as a document may be', () => {
  const long = { ...limits, tokens: 1_000_000, depth: 1_000_000 };
  const chain = times(100_000, (i) => `fragment F${i} on Q { ...F${i + 1} }`);
  expect(createMeasure([long])(`{ ...F0 } ${chain} fragment F100000 on Q { a }`).depth).toBe(100_002);
});

it('takes any number of doublings without overflowing', () => {
  const long = { ...limits, depth: 10_000 };
  const doubling = times(900, (i) => `fragment F${i} on U { ...F${i + 1} ...F${i + 1} }`);
  const { selections } = createMeasure([long])(`{ ...F0 } ${doubling} fragment F900 on U { id }`);
  expect(selections).toBe(2 ** 31);
});

it('says the figure and the limit', () => {
  expect(refusalOf(measure(`{ ${times(101, (i) => `a${i}: me { id }`)} }`), limits)?.message).toBe(
    'The document has 101 aliases; at most 100 are allowed.',
  );
});
