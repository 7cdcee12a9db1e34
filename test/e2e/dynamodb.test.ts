import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childrenOf, endAll, startDev, startProcess, startWeir } from '../support/process';
import { allBut } from '../support/reference-graph';

const folder = mkdtempSync(join(tmpdir(), 'weir-e2e-'));
let endpoint: string;

beforeAll(async () => {
  const dynalite = startProcess([
    '-e',
    `const server = require('dynalite')({ createTableMs: 0 });
     server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port + ' '));`,
  ]);
  endpoint = (await dynalite.printed(/(http:\S+) /))[1]!;
});
afterAll(async () => {
  await endAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('DYNAMODB_ENDPOINT', () => {
  it('makes weir dev use the DynamoDB of another process, which keeps the data', async () => {
    const query = '{ product(upc: "p3") { name inStock reviews(first: 1) { edges { node { body } } } } }';
    const mocks = ['--mock', ...allBut('products', 'inventory', 'reviews')];
    const first = await startDev(mocks, { DYNAMODB_ENDPOINT: endpoint });
    const children = childrenOf(first.pid).map(({ command }) => command);
    expect(children.filter((command) => command.includes('subgraphs/products/'))).toHaveLength(1);
    expect(children.filter((command) => command.includes('embedded-dynamodb'))).toEqual([]);
    expect(first.stdout).toMatch(new RegExp(`Data +${endpoint}`));
    const { data, errors } = await first.query(query);
    expect(errors).toBeUndefined();
    expect(data.product.reviews.edges).toHaveLength(1);
    await first.stop();

    const second = startWeir(['subgraph', 'products', '--port', '0'], { DYNAMODB_ENDPOINT: endpoint });
    const [, url] = await second.printed(/(http:\/\/127\.0\.0\.1:\d+\/graphql)/);
    const response = await fetch(url!, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ product(upc: \\"p3\\") { name } }"}',
    });
    expect(await response.json()).toEqual({ data: { product: { name: data.product.name } } });
    await second.stop();
  });

  it('has nothing that weir dev could reset', async () => {
    const weir = startWeir(['dev', '--port', '0', '--reset'], { DYNAMODB_ENDPOINT: endpoint });

    expect(await weir.exit).toBe(2);
    expect(weir.stderr).toBe('weir: --reset empties the embedded DynamoDB only.\n');
  });
});
