import { parse, print, stripIgnoredCharacters } from 'graphql';
import { withoutIntrospection } from '../../../../../gateway/planning/defects/introspection-fields';

const planned = (document: string): string =>
  stripIgnoredCharacters(print(withoutIntrospection(parse(document))));

test.each([
  ['leaves out introspection beside other fields', '{ s: __schema { description } a }', '{a}'],
  ['keeps an operation of introspection alone', '{ __type(name: "A") { isOneOf } }', '{__typename}'],
  ['keeps `__typename`', '{ __typename a { __typename } }', '{__typename a{__typename}}'],
  ['keeps an object of which nothing is left', '{ self { __schema { description } } }', '{self{__typename}}'],
  [
    'leaves out fragments on types of introspection',
    '{ __schema { ...S } a } fragment S on __Schema { types { ...T } } fragment T on __Type { name }',
    '{a}',
  ],
  [
    'keeps a fragment of which nothing is left',
    '{ ...F a } fragment F on Query { __schema { description } }',
    '{...F a}fragment F on Query{__typename}',
  ],
])('%s', (_name, document, expected) => {
  expect(planned(document)).toBe(expected);
});
