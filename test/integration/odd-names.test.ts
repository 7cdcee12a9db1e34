/** Names that every object of JavaScript has, where a client may choose a name. */
import { type InProcessGateway, inProcessSubgraph, openInProcess } from '../support/in-process-gateway';
import type { Json } from '../support/running-gateway';

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@cost"])';

const accounts = inProcessSubgraph({
  name: 'accounts',
  typeDefs: `${link}
    type Query { me(by: By): User  list(first: Int): [User] }
    type Mutation { touch(by: By): User }
    input By { id: ID }
    type User @key(fields: "id") { id: ID! }`,
  resolvers: {
    Query: { me: () => ({ id: 'u1' }), list: () => [{ id: 'u1' }] },
    Mutation: { touch: () => ({ id: 'u1' }) },
  },
});
const ages = inProcessSubgraph({
  name: 'ages',
  typeDefs: `${link} type User @key(fields: "id") { id: ID!  age(of: Int): Int }`,
  resolvers: { User: { age: (_: unknown, { of }: { of?: number }) => of ?? 7 } },
});
let gateway: InProcessGateway;

beforeAll(async () => {
  gateway = await openInProcess([accounts, ages]);
});

afterAll(() => gateway.stop());

/** Asks twice: through Apollo Server, and as an operation that is known. */
async function ask(query: string, variables = '{}'): Promise<Json[]> {
  const body = `{"query":${JSON.stringify(query)},"variables":${variables}}`;
  return [await (await gateway.post(body)).json(), await (await gateway.post(body)).json()];
}

const both = (data: Json): Json[] => [{ data }, { data }];

describe.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
  'the name %s',
  (name) => {
    it('may be that of a variable on which a selection depends', async () => {
      const query = `query ($${name}: Boolean!) { me @include(if: $${name}) { id age @skip(if: $${name}) } list { age } }`;
      const list = [{ age: 7 }];
      expect(await ask(query, `{"${name}":true}`)).toEqual(both({ me: { id: 'u1' }, list }));
      expect(await ask(query, `{"${name}":false}`)).toEqual(both({ list }));
    });

    it('may be that of a variable with a default, on which a selection depends', async () => {
      const query = `query ($${name}: Boolean = false) { me @include(if: $${name}) { id } list { age @skip(if: $${name}) } }`;
      expect(await ask(query)).toEqual(both({ list: [{ age: 7 }] }));
      expect(await ask(query, `{"${name}":true}`)).toEqual(both({ me: { id: 'u1' }, list: [{}] }));
    });

    it('may be that of a variable on which a mutation depends', async () => {
      const query = `mutation ($${name}: Boolean!) { touch @skip(if: $${name}) { age } again: touch @include(if: $${name}) { id } }`;
      expect(await ask(query, `{"${name}":true}`)).toEqual(both({ again: { id: 'u1' } }));
    });

    it('may be that of a variable that is sent on, and of an alias, a fragment and an operation', async () => {
      const query = `query ${name} ($${name}: Int) { ...${name} } fragment ${name} on Query { ${name}: list(first: 1) { ${name}: age(of: $${name}) } }`;
      expect((await ask(query, `{"${name}":3}`)).map((answer) => JSON.stringify(answer))).toEqual([
        `{"data":{"${name}":[{"${name}":3}]}}`,
        `{"data":{"${name}":[{"${name}":3}]}}`,
      ]);
      expect(JSON.stringify((await ask(query))[1])).toBe(`{"data":{"${name}":[{"${name}":7}]}}`);
    });
  },
);

it.each(['__proto__', 'constructor'])(
  'an input that is not sent costs nothing, though its variable is called %s',
  async (name) => {
    const development = await openInProcess([accounts, ages], { mode: 'development' });
    try {
      const { extensions } = await development.query(`query ($${name}: By) { me(by: $${name}) { id } }`);
      expect(extensions.weir.cost.estimated).toBe(1);
    } finally {
      await development.stop();
    }
  },
);
