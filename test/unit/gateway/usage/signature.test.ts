import { buildSchema } from 'graphql';
import { signatureOf } from '../../../../gateway/usage/signature';

const schema = buildSchema(`
  scalar Any
  enum Order { BEST NEWEST }
  input Filter { text: String  orders: [Order!]  min: Float  nested: Filter  any: Any }
  type Query { search(text: String, filter: Filter, order: Order, any: Any, first: Int): [Item!]  me: Item }
  type Item { id: ID!  name: String  item(id: ID): Item }
`);
const textOf = (source: string, name?: string) => signatureOf(source, name, schema).text;

it('keeps what belongs to the schema, and no value', () => {
  expect(
    textOf(`# my card is 4111
      query Find($secret: String = "4111", $order: Order = NEWEST) {
        search(
          text: "ana@example.com", order: BEST, first: 4111,
          filter: { text: $secret, orders: [BEST, BEST, NEWEST], min: 41.11, nested: { any: { name: 4111 } } }
          any: [SECRET, { phone: "4111" }]
        ) { id }
      }`),
  ).toBe(
    'query Find($secret:String=""$order:Order=NEWEST){search(text:"" order:BEST first:0 filter:{text:$secret orders:[BEST NEWEST]min:0 nested:{any:{}}}any:[""{}]){id}}',
  );
});

it('is the same whatever the values, the aliases and the white space are', () => {
  const one = '{ a: search(text: "x", first: 1) { id } b: me { name } }';
  const other = 'query {\n  c: search(text: """y""", first: 20) { id }\n  d: me { name }\n}';
  expect(signatureOf(one, undefined, schema)).toEqual(signatureOf(other, undefined, schema));
  expect(textOf(one)).toBe('{_1:search(text:"" first:0){id}_2:me{name}}');
});

it('leaves out what the operation does not use', () => {
  const source = `query A { me { ...Used } } query B { me { id } }
    fragment Used on Item { ...Inner } fragment Inner on Item { id } fragment Other on Item { name }`;
  expect(textOf(source, 'A')).toBe(
    'query A{me{...Used}}fragment Used on Item{...Inner}fragment Inner on Item{id}',
  );
  expect(textOf(source, 'B')).toBe('query B{me{id}}');
});
