import fc from 'fast-check';
import { JsonParts } from '../../../../../gateway/subgraph-calls/wire/json-parts';

const partsOf = (text: string) => new JsonParts(Buffer.from(text));

/** Cuts one level of an object. */
function membersOf(text: string): [string, string][] {
  const parts = partsOf(text);
  const members: [string, string][] = [];
  parts.object((name) => members.push([name, parts.value().toString()]));
  parts.end();
  return members;
}

it('splits any object into its members, and any list into its elements', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 1, 3), (object, space) => {
      const members = membersOf(JSON.stringify(object, null, space));
      expect(members.map(([name, value]) => [name, JSON.parse(value)])).toEqual(
        Object.entries(JSON.parse(JSON.stringify(object))),
      );
      const list = Object.values(object);
      const elements = partsOf(JSON.stringify(list, null, space)).list();
      expect(elements.map((element) => JSON.parse(element.toString()))).toEqual(
        JSON.parse(JSON.stringify(list)),
      );
    }),
  );
});

it('keeps the original bytes of each value', () => {
  expect(membersOf('{ "a" : 1.50e3 , "b":[ 1, "]" ],"\\u0063": "\\"}" }')).toEqual([
    ['a', '1.50e3'],
    ['b', '[ 1, "]" ]'],
    ['c', '"\\"}"'],
  ]);
});

it.each([
  '',
  ' ',
  '[]',
  '"a"',
  '{',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,}',
  '{"a" 1}',
  '{a:1}',
  '{"a":"',
  '{"a":[',
  '{}x',
])('refuses what is not an object: %j', (text) => {
  expect(() => membersOf(text)).toThrow(SyntaxError);
});

it.each(['', '{}', '[', '[1', '[1,', '[1,]', '[,1]', '[1 2]'])('refuses what is not a list: %j', (text) => {
  expect(() => partsOf(text).list()).toThrow(SyntaxError);
});
