import { parse, print, stripIgnoredCharacters } from 'graphql';
import { withMutationsOnce } from '../../../../../gateway/planning/defects/repeated-mutations';

const once = (document: string, name?: string): string =>
  stripIgnoredCharacters(print(withMutationsOnce(parse(document), name)));

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
    'mutation{a@include(if:$v)@skip(if:$w)a@skip(if:$v)...@include(if:$w){a@include(if:$v)}}',
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

test('changes the operation that is asked for only', () => {
  const document = 'mutation A{a a}mutation B{a a}';
  expect(once(document, 'B')).toBe('mutation A{a a}mutation B{a}');
});
