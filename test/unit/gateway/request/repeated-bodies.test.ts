import { factsOf } from '../../../../gateway/limits/repeated-variables';
import type { SentOperation } from '../../../../gateway/request/parsed-request';
import { RepeatedBodies } from '../../../../gateway/request/repeated-bodies';

const bodyOf = (id: string, query = 'query ($id: ID!) { product(id: $id) { name } }') =>
  Buffer.from(JSON.stringify({ query, variables: { id } }));

it('gives a body that comes again the same operation, whoever sends it', () => {
  const bodies = new RepeatedBodies();
  const [, second, third] = [1, 2, 3].map(() => bodies.parse(bodyOf('a')) as SentOperation);
  expect(third).toBe(second);
  expect(third).toEqual(JSON.parse(bodyOf('a').toString()));
  expect(factsOf(third!.variables as object as Record<string, unknown>)).toBeDefined();
});

it('gives no body the operation of another one, however alike they are', () => {
  const bodies = new RepeatedBodies();
  const all = Array.from({ length: 1000 }, (_, i) => String(i).padStart(4, '0'));
  for (let round = 0; round < 3; round++)
    for (const id of all) {
      const { variables } = bodies.parse(bodyOf(id)) as SentOperation;
      expect(variables).toEqual({ id });
    }
});

it('keeps nothing of what the connection read besides', () => {
  const bodies = new RepeatedBodies();
  const read = Buffer.concat([bodyOf('a'), bodyOf('b')]);
  const body = read.subarray(0, bodyOf('a').length);
  const sent = [1, 2].map(() => bodies.parse(body))[1];
  read.fill(0);
  expect(bodies.parse(bodyOf('a'))).toBe(sent);
});

it.each([
  ['an empty body', '', 'The body is empty.'],
  ['what is no JSON', '{{{{{', 'The body is not valid JSON.'],
  ['what is no object', '1234567', 'The body must be a JSON object.'],
])('refuses %s each time', (_, text, message) => {
  const bodies = new RepeatedBodies();
  for (let i = 0; i < 3; i++) expect(() => bodies.parse(Buffer.from(text))).toThrow(message);
});

it.each([
  ['a batch', JSON.stringify([{ query: '{ a }' }, { query: '{ b }' }])],
  ['a long body', JSON.stringify({ query: '{ a }', variables: { text: 'x'.repeat(9000) } })],
])('parses %s anew each time', (_, text) => {
  const bodies = new RepeatedBodies();
  const [, second, third] = [1, 2, 3].map(() => bodies.parse(Buffer.from(text)));
  expect(third).not.toBe(second);
  expect(third).toEqual(second);
});
