import { parse, print, stripIgnoredCharacters } from 'graphql';
import { withoutLiteralConditions } from '../../../../../gateway/planning/defects/literal-conditions';

const decided = (document: string): string =>
  stripIgnoredCharacters(print(withoutLiteralConditions(parse(document))));

test.each([
  ['leaves out what is skipped', '{ a b @skip(if: true) }', '{a}'],
  ['leaves out what is not included', '{ a ... @include(if: false) { b } }', '{a}'],
  ['keeps what is included, without the condition', '{ a @include(if: true) @skip(if: false) }', '{a}'],
  ['keeps conditions on variables', '{ a @include(if: true) @skip(if: $v) }', '{a@skip(if:$v)}'],
  ['keeps other directives', '{ a @other(if: true) }', '{a@other(if:true)}'],
  ['keeps an object of which nothing is left', '{ a { b @skip(if: true) } }', '{a{__typename}}'],
  [
    'decides within fragments',
    '{ ...F } fragment F on Query { a b @skip(if: true) }',
    '{...F}fragment F on Query{a}',
  ],
])('%s', (_name, document, expected) => {
  expect(decided(document)).toBe(expected);
});
