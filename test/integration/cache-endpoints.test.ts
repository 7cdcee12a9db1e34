/** Nothing that an earlier endpoint of a subgraph has answered is served after a reload, with an equal schema. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OptionsInput } from '../../gateway';
import { eventually } from '../support/process';
import { startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-endpoints-'));
const file = join(folder, 'supergraph.graphql');
const otherFile = join(folder, 'other.graphql');
let graph: SmallGraph;
let other: SmallGraph;
let gateway: TestGateway | undefined;
beforeAll(async () => {
  [graph, other] = await Promise.all([startSmallGraph(), startSmallGraph()]);
  writeFileSync(file, graph.supergraphSdl);
  writeFileSync(otherFile, graph.supergraphSdl.replaceAll(graph.accounts.url, other.accounts.url));
});
afterEach(() => gateway?.stop());
afterAll(async () => {
  await Promise.all([graph.close(), other.close()]);
  rmSync(folder, { recursive: true });
});

/** Lets a subgraph answer with a name and with the key that it got. */
function answerAs(name: string, { accounts }: SmallGraph, until = Promise.resolve()): void {
  accounts.requests.length = 0;
  accounts.answer = ({ headers }: IncomingMessage, response: ServerResponse) => {
    const { representations } = accounts.requests.at(-1)!.body.variables ?? {};
    const key = headers['x-api-key'] === undefined ? '' : ` by ${String(headers['x-api-key'])}`;
    const user = { __typename: 'User', id: 'u1', name: `${name}${key}` };
    void until.then(() => {
      response.setHeader('cache-control', 'public, max-age=60, stale-if-error=60');
      response.end(JSON.stringify({ data: representations ? { _entities: [user, user] } : { me: user } }));
    });
  };
}

const me = '{ me { name } }';
const entities = '{ latestReviews { author { name } } }';
const nameIn = async (query: string): Promise<string> => {
  const { data } = await gateway!.query(query);
  return (data.me ?? data.latestReviews[0].author).name;
};

const start = async (options: OptionsInput): Promise<(next: OptionsInput) => Promise<unknown>> => {
  const fixed = { port: 0, admin: { port: 0 }, supergraph: file };
  gateway = await startTestGateway({ ...fixed, ...options });
  return (next) => gateway!.reload(() => ({ ...fixed, ...next }));
};
const withUrl = ({ accounts }: SmallGraph) => ({ subgraphs: { accounts: { url: accounts.url } } });
const withKey = (key: string) => ({ subgraphs: { accounts: { auth: { type: 'API_KEY' as const, key } } } });

it.each<[string, () => [OptionsInput, OptionsInput], string, string]>([
  ['a URL of the options', () => [withUrl(graph), withUrl(other)], 'old', 'new'],
  ['a URL of the supergraph', () => [{}, { supergraph: otherFile }], 'old', 'new'],
  ['a key', () => [withKey('one'), withKey('two')], 'old by one', 'old by two'],
])('changes with %s', async (_, options, before, after) => {
  answerAs('old', graph);
  answerAs('new', other);
  const [first, second] = options();
  const reload = await start(first);
  for (const query of [me, entities, me, entities]) expect(await nameIn(query)).toBe(before);
  expect(graph.accounts.requests).toHaveLength(2);
  await reload(second);
  for (const query of [me, entities]) expect(await nameIn(query)).toBe(after);
  // What was cached before is good again where it comes from.
  await reload(first);
  for (const query of [me, entities]) expect(await nameIn(query)).toBe(before);
});

it('joins nobody to a call of the earlier endpoint that is in flight', async () => {
  let release!: () => void;
  answerAs('old', graph, new Promise((resolve) => (release = resolve)));
  answerAs('new', other);
  const reload = await start(withUrl(graph));
  const held = [me, entities].map(nameIn);
  await eventually(() => graph.accounts.requests.length === 2);
  await reload(withUrl(other));
  for (const query of [me, entities]) expect(await nameIn(query)).toBe('new');
  release();
  expect(await Promise.all(held)).toEqual(['old', 'old']);
  for (const query of [me, entities]) expect(await nameIn(query)).toBe('new');
});
