import { parse, print, stripIgnoredCharacters } from 'graphql';
import {
  withClientVariables,
  withMutationsOnce,
} from '../../../../../gateway/planning/defects/repeated-mutations';
import { Graph } from '../../execution/graph';

const once = (document: string, name?: string): string =>
  stripIgnoredCharacters(print(withMutationsOnce(parse(document), name).document));

test.each([
  ['leaves fields that occur once', 'mutation { a @skip(if: $v) b }', 'mutation{a@skip(if:$v)b}'],
  ['leaves queries', '{ a { b } a { c } }', '{a{b}a{c}}'],
  ['joins occurrences', 'mutation { a { b } x a { c } }', 'mutation{a{b ...{c}}x}'],
  [
    'joins an occurrence under a condition with one that is always there',
    'mutation { a { b } x a @include(if: $v) { c } }',
    'mutation{a{b ...@include(if:$v){c}}x}',
  ],
  [
    'runs the later one only where the earlier one is left out',
    'mutation { a @include(if: $v) { b } x a { c } }',
    'mutation{a@include(if:$v){b ...{c}}x a@skip(if:$v){c}}',
  ],
  [
    'runs one of two under different conditions',
    'mutation { a @include(if: $v) ... @include(if: $w) { a } }',
    'mutation{a@include(if:$v)a@include(if:$w)@skip(if:$v)}',
  ],
  [
    'tells the cases of two conditions apart',
    'mutation { a @include(if: $v) @skip(if: $w) a }',
    'mutation{a@include(if:$v)@skip(if:$w)a@skip(if:$v)...@include(if:$w_0){a@include(if:$v)}}',
  ],
  ['leaves out what can never be', 'mutation { a ... @skip(if: $v) { a @include(if: $v) } }', 'mutation{a}'],
  [
    'leaves fields in their order when fragments hold them',
    'mutation { ... { a @other } b ... on Mutation { c } }',
    'mutation{a@other b c}',
  ],
  [
    'leaves nothing where nothing can be',
    'mutation { a @skip(if: $v) @include(if: $v) }',
    'mutation{__typename}',
  ],
  [
    'joins what fragments hold',
    'mutation { a ...F } fragment F on Mutation { a }',
    'mutation{a}fragment F on Mutation{a}',
  ],
])('%s', (_name, document, expected) => {
  expect(once(document)).toBe(expected);
});

test('changes only the requested operation', () => {
  const document = 'mutation A{a a}mutation B{a a}';
  expect(once(document, 'B')).toBe('mutation A{a a}mutation B{a}');
});

test('gives fragments conditions of their own, and restores those of the client in the plan', () => {
  const { document, variables } = withMutationsOnce(
    parse(
      'mutation ($v: Boolean!, $v_0: Boolean!) { ... @skip(if: $v) { a @skip(if: $v_0) b @skip(if: $v_0) } }',
    ),
    undefined,
  );
  expect(stripIgnoredCharacters(print(document))).toBe(
    'mutation($v:Boolean!$v_0:Boolean!$v_0_0:Boolean!$v_0_1:Boolean!)' +
      '{...@skip(if:$v_0_0){a@skip(if:$v)}...@skip(if:$v_0_1){b@skip(if:$v)}}',
  );
  const fetch = {
    kind: 'Fetch',
    serviceName: 's',
    operationKind: 'mutation',
    operation: stripIgnoredCharacters(print(document)),
    variableUsages: ['v', 'v_0', 'v_0_0', 'v_0_1'],
  } as const;
  const plan = {
    kind: 'QueryPlan',
    node: { kind: 'Condition', condition: 'v_0_1', ifClause: fetch },
  } as const;
  expect(withClientVariables(plan, variables)).toMatchObject({
    node: {
      condition: 'v_0',
      ifClause: {
        operation:
          'mutation($v:Boolean!$v_0:Boolean!){...@skip(if:$v_0){a@skip(if:$v)}...@skip(if:$v_0){b@skip(if:$v)}}',
        variableUsages: ['v', 'v_0'],
      },
    },
  });
});

/** Section 6.2.2, "Mutation": root fields run one after the other, in the order of the document. */
describe('mutations under two conditions of one kind', () => {
  const order: string[] = [];
  const run = (name: string) => () => {
    order.push(name);
    return name;
  };
  const graph = new Graph({
    a: {
      sdl: 'type Query { x: Int } type Mutation { first: String third: String }',
      resolvers: { Mutation: { first: run('first'), third: run('third') } },
    },
    b: {
      sdl: 'type Mutation { second: String fourth: String }',
      resolvers: { Mutation: { second: run('second'), fourth: run('fourth') } },
    },
  });
  const [v, w] = ['@skip(if: $v)', '@skip(if: $w)'];

  test.each([
    `... ${w} { first ${v} } second ... ${w} { third ${v} }`,
    `... ${w} { first ${v} } third ... ${w} { fourth ${v} }`,
    `... ${w} { first ${v} third ${v} } second`,
    `... ${w} { first ${v} second ${v} } fourth ... ${w} { third ${v} }`,
    `... ${w} { first ${v} } second ${v} ... ${w} { third ${v} }`,
    `... ${w} { ... ${v} { first } } third ... ${w} { ... ${v} { second fourth } }`,
    `... ${w} { first ${v} } third ... ${w} { ... ${v} { second fourth } }`,
    `... ${w} { ... ${v} { second } } first ... ${w} { ... ${v} { fourth } } third`,
  ])('run in their order: %s', async (selection) => {
    const names = [...selection.matchAll(/first|second|third|fourth/g)].map(([name]) => name);
    for (const variables of [
      { v: false, w: false },
      { v: true, w: false },
      { v: false, w: true },
    ]) {
      order.length = 0;
      const { data, errors } = await graph.ask(`mutation ($v: Boolean!, $w: Boolean!) { ${selection} }`, {
        variables,
      });
      expect(errors).toEqual([]);
      expect(order).toEqual(Object.keys(data as object));
      if (!variables.v && !variables.w) expect(order).toEqual(names);
    }
  });
});
