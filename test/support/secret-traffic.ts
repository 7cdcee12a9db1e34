/** Requests that have a secret wherever a client or a subgraph may put one, but for names that clients choose. */
import { secret } from './planted-secrets';
import type { Json, TestGateway } from './running-gateway';
import { startSubgraph, type TestSubgraph } from './small-graph';

const typeDefs = `
  scalar Anything
  type Query { boats(name: String, filter: Filter, more: Anything): [Boat!]!  boat(id: ID!): Boat }
  type Mutation { rename(id: ID!, name: String!): Boat }
  input Filter { names: [String!], length: Int }
  type Boat @key(fields: "id") { id: ID!  name(as: String): String  owner: String }`;

/** Its values, its messages, and the extensions of its errors are secrets. */
export const startSecretBoats = (): Promise<TestSubgraph> =>
  startSubgraph({
    ...{ name: 'boats', typeDefs },
    resolvers: {
      Query: {
        boats: () => [{ id: secret(), name: secret() }, { id: secret() }],
        boat: () => ({ id: secret() }),
      },
      Mutation: { rename: () => ({ id: secret(), name: secret() }) },
      Boat: {
        owner: () => {
          throw Object.assign(new Error(secret()), { extensions: { code: 'NOT_OWNED', token: secret() } });
        },
      },
    },
  });

/** Bodies that run, and those that are refused. */
const bodies = (): Json[] => {
  const [one, other] = [secret(), secret()];
  const owners = `query Owners($n: String = "${one}") { boats(name: $n, filter: { names: ["${other}"] }) { id owner } }`;
  return [
    { query: owners, variables: { n: secret(), [secret()]: secret() } },
    { query: owners, variables: { n: [secret()] } },
    { query: `query Names { boats(more: { token: "${one}", list: ["${other}"] }) { name(as: "${one}") } }` },
    { query: `{ boats(name: """${one}""") { name } } # ${other}`, extensions: { token: secret() } },
    { query: 'query More($m: Anything) { boats(more: $m) { id } }', variables: { m: { [one]: other } } },
    { query: `query Old { boats(nam: "${one}", name: "${other}") { captain(of: "${one}") } }` },
    { query: `query Broken { boats(name: "${one}" "${other}") {` },
    { query: `query Wrong { boats(filter: { length: "${one}", width: "${other}" }) { id } }` },
    { query: 'query Input($f: Filter) { boats(filter: $f) { id } }', variables: { f: { [one]: other } } },
    { query: `mutation Rename { rename(id: "${one}", name: "${other}") { name owner } }` },
    { query: 'query Known { boats { id } }', operationName: one },
    { extensions: { persistedQuery: { version: 1, sha256Hash: one } } },
    { query: owners, variables: one },
    `{ "query": "${one}`,
    one,
  ];
};

/** Sends them all, with secrets in their headers and in the URL. */
export async function sendSecrets(gateway: TestGateway, { of = ['web', 'ios'] } = {}): Promise<void> {
  for (const client of of)
    for (const body of bodies()) {
      const headers = {
        ...{ authorization: `Bearer ${secret()}`, cookie: `session=${secret()}`, 'x-api-key': secret() },
        ...{ 'user-agent': secret(), tracestate: `vendor=${secret()}`, 'x-forwarded-for': secret() },
        ...{ 'apollographql-client-name': client, 'apollographql-client-version': '1.2' },
      };
      await (await gateway.post(body, { headers })).text();
    }
  const url = new URL(gateway.url);
  url.search = `?query=${encodeURIComponent(`{ boats(name: "${secret()}") { id } }`)}&token=${secret()}`;
  await (await fetch(url, { headers: { 'content-type': 'application/json' } })).text();
}
