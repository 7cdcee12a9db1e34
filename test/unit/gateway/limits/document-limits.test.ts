import { getIntrospectionQuery, Lexer, Source, TokenKind } from 'graphql';
import type { DocumentMeasure } from '../../../../gateway/limits/document-rules';
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
    ['{ a { b } c { d } e }', { rootFields: 3, depth: 2, selections: 5 }],
    ['{ a(b: [[[1]], [[2]]], c: [[[3]]]) d(e: [[[4]]]) }', { depth: 3 }],
    ['{ a(b: { c: { d: { e: 1 } }, f: { g: { h: 1 } } }, i: { j: { k: 1 } }) }', { depth: 3 }],
    ['query ($a: [[[Int]]] = [[[1]]]) { a }', { depth: 3, selections: 1 }],
    ['{ a(b: [[[1)) c(d: [[2]]) }', { depth: 3 }],
    ['{ ... on Query @a(b: {c: 1}) { d } e { f } }', { rootFields: 2, depth: 2, selections: 3 }],
    ['{ ... @a { b } }', { rootFields: 1, depth: 2 }],
    ['{ ... { a } b { ... { c } } }', { rootFields: 2, depth: 3, selections: 3 }],
    ['{ a { ... on A { b { c } } } }', { rootFields: 1, depth: 4, selections: 3 }],
    ['{ a ...F @x b } fragment F on Query { c }', { rootFields: 3, selections: 3, aliases: 0 }],
    ['{ a { ...F } } fragment F on A { b { c } }', { rootFields: 1, depth: 4, selections: 3 }],
    [
      'fragment F on A { b ...G } fragment G on A { c { d { e } } } { ...F }',
      { depth: 5, rootFields: 2, selections: 4 },
    ],
    [
      '{ a { ...F ...G ...H } } fragment F on A { b } fragment G on A { c { d { e } } } fragment H on A { f ...G }',
      { depth: 6, rootFields: 1, selections: 9 },
    ],
    ['{ ...Missing a }', { rootFields: 1, selections: 1, depth: 1 }],
    ['fragment F on A { a b c } { d }', { rootFields: 1, selections: 3 }],
    ['{ a: fragment b: on c: a }', { aliases: 3, rootFields: 3 }],
    ['type A @x @y { a: Int b: Int }', { directives: 2, aliases: 2 }],
    ['{ a } }', { depth: 1 }],
    ['} { a }', { depth: 1, rootFields: 1 }],
  ])('%s', (document, expected) => {
    expect(measure(document)).toMatchObject(expected);
  });

  it.each([
    '{ a }',
    'query Q($a: [Int!] = [1]) @x(y: 1) { a(b: { c: [[$a]] }) @z { d } }',
    '{ x: a ... on Query @x { b } ...F ... { c } ... @y { d } } fragment F on Query @z { e }',
    'fragment on on on { fragment: on } { on(a: "x", b: """y""", c: 1.5, d: E) }',
    'subscription { a } extend type B { c(d: Int): [E!]! } union F = | G | H & I',
  ])('as many tokens as the lexer finds in %s', (document) => {
    const lexer = new Lexer(new Source(document));
    let tokens = 0;
    while (lexer.advance().kind !== TokenKind.EOF) tokens++;
    expect(measure(document).tokens).toBe(tokens);
  });

  it('no more of a document than is compared with limits, and each document once', () => {
    expect(measure(`{ ${'a '.repeat(30_000)}}`).tokens).toBe(15_001);
    expect(measure('{a'.repeat(3_000))).toMatchObject({ depth: 31, tokens: 62 });
    expect(measure('{ a b }')).toBe(measure('{ a b }'));
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

describe('of each limit', () => {
  const just = {
    tokens: 27,
    depth: 3,
    aliases: 1,
    rootFields: 2,
    directives: 2,
    selections: 4,
  } satisfies Record<DocumentMeasure, number>;
  const document = '{ a: b(d: [[[1]]]) @x @y c { d { e } } }';

  it('lets through what is just as much', () => {
    expect(measure(document)).toEqual({ ...just, introspects: false });
    expect(isWithin(measure(document), { ...limits, ...just })).toBe(true);
    expect(refusalOf(measure(document), { ...limits, ...just })).toBeUndefined();
  });

  it.each(Object.keys(just) as (keyof typeof just)[])('refuses what is more, of %s', (limit) => {
    const less = { ...limits, ...just, [limit]: just[limit] - 1 };
    expect(isWithin(measure(document), less)).toBe(false);
    const { message, extensions } = refusalOf(measure(document), less)!;
    expect(message).toContain(` ${just[limit] - 1} `);
    expect(extensions['code']).toMatch(limit === 'tokens' ? 'GRAPHQL_PARSE_FAILED' : /^MAX_[A-Z_]+_LIMIT$/);
  });

  it('refuses to tell the schema, where that is switched off', () => {
    const off = { ...limits, introspection: false };
    expect(refusalOf(measure('{ __schema { types { name } } }'), off)?.extensions['code']).toBe(
      'INTROSPECTION_DISABLED',
    );
    expect(refusalOf(measure('{ __typename }'), off)).toBeUndefined();
    expect(refusalOf(measure('{ __schema { types { name } } }'), limits)).toBeUndefined();
  });

  it('reads as much as the most generous class may send', () => {
    const generous = createMeasure([limits, { ...limits, tokens: 20_000, depth: 40 }, limits]);
    expect(generous(`{ ${'a '.repeat(30_000)}}`).tokens).toBe(20_001);
    expect(generous('{a'.repeat(100)).depth).toBe(41);
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
