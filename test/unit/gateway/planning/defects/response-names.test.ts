import { parse } from 'graphql';
import { renamingOf } from '../../../../../gateway/planning/defects/response-names';

const namesIn = (document: string): string[] | undefined => {
  const renaming = renamingOf(parse(document), new Set(['id', 'price']));
  return renaming && [...renaming.disguises.values()];
};

test.each([
  ['the field itself', '{ id price }', undefined],
  ['an alias that is no name of the planner', '{ other: id }', undefined],
  ['another field under its name', '{ id: name }', ['id__client']],
  ['the field with arguments', '{ price(in: 1) id }', ['price__client']],
  ['a name that ends like those that are made', '{ id: name a__client }', ['id___client']],
])('tells apart %s', (_name, document, expected) => {
  expect(namesIn(document)).toEqual(expected);
});

test('refuses another field under the name of "__typename"', () => {
  expect(() => namesIn('{ __typename: name }')).toThrow('Only the field "__typename" can go by its name');
  expect(namesIn('{ __typename type: __typename }')).toBeUndefined();
});
