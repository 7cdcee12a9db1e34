import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeenKeys } from '../../../../../cli/dev/mocks/seen-keys';
import type {
  SubgraphRequest,
  SubgraphResponse,
} from '../../../../../gateway/subgraph-calls/contract/transport';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'keys.json');
const output = { say: jest.fn(), print: jest.fn(), line: jest.fn() };
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(file, { force: true }));

const subgraph = (name: string, sdl: string) => ({ name, routingUrl: 'http://a.test', file: name, sdl });
const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])';
const subgraphs = [
  subgraph(
    'shop',
    `${link} type Query { orders: [Order] } type Order @key(fields: "id") { id: ID! total: Int }`,
  ),
  subgraph('mocked', `${link} type Order @key(fields: "id") { id: ID! paid: Int }`),
];

async function record(data: unknown, name = 'shop'): Promise<SeenKeys> {
  const keys = new SeenKeys(file, output);
  keys.take(subgraphs, ['mocked']);
  const operation = { subgraph: name, document: '{ orders { id total } }', kind: 'query' };
  const body = Buffer.from(typeof data === 'string' ? data : JSON.stringify({ data }));
  const response = { status: 200, headers: {}, body } as SubgraphResponse;
  const send = keys.interceptor(() => Promise.resolve(response));
  expect(await send({ operation } as SubgraphRequest)).toBe(response);
  await keys.stop();
  return keys;
}

it('keeps the keys in the answers of real subgraphs, for the next run, too', async () => {
  const keys = await record({
    orders: [
      { id: 'o1', total: 1 },
      { id: 'o2', total: 2 },
      { id: 'o1', total: 1 },
    ],
  });
  expect(keys.of('Order')).toEqual([{ id: 'o1' }, { id: 'o2' }]);
  expect(new SeenKeys(file, output).of('Order')).toEqual([{ id: 'o1' }, { id: 'o2' }]);
  expect(readFileSync(file, 'utf8')).toContain('"id": "o1"');
});

it('keeps no keys that a mock has made up, and none of mocks', async () => {
  expect((await record({ orders: [{ id: 'order-3' }] })).of('Order')).toEqual([]);
  expect((await record({ orders: [{ id: 'o1' }] }, 'mocked')).of('Order')).toEqual([]);
});

it('keeps up to a hundred keys of a type', async () => {
  const orders = Array.from({ length: 300 }, (_, i) => ({ id: `o${i}` }));
  expect((await record({ orders })).of('Order')).toHaveLength(100);
});

it('leaves alone what is no answer', async () => {
  expect((await record('<html>')).of('Order')).toEqual([]);
});

it.each([
  ['{', 'is no JSON'],
  ['[]', 'has no keys by type'],
  ['{"Order": [1]}', 'has no keys by type'],
])('refuses a file with %j', (text, fact) => {
  writeFileSync(file, text);
  expect(() => new SeenKeys(file, output)).toThrow(
    `weir: --record: ${file} ${fact}: name a file that was recorded`,
  );
});
