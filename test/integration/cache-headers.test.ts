/** The table of docs/caching.md, "The headers of an answer", read from there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), retries: { max: 0 } });
});
afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

const docs = readFileSync(join(__dirname, '../../docs/caching.md'), 'utf8');
const section = docs.split('## The headers of an answer')[1]!.split('\n## ')[0]!;
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );

it('has nine cases', () => expect(rows).toHaveLength(9));

it.each(rows)(
  '%s for a client that is %s, errors: %s',
  async (said, who, errors, control, etag, cache, vary, shared) => {
    const number = rows.findIndex(
      (row) => row.join() === [said, who, errors, control, etag, cache, vary, shared].join(),
    );
    const query = `{ me { name case${number}: name } }`;
    graph.accounts.headers = { 'cache-control': said };
    graph.accounts.answer =
      errors === 'no'
        ? undefined
        : (_, response) => {
            response.setHeader('cache-control', said);
            response.end('{"data":{"me":null},"errors":[{"message":"No."}]}');
          };
    const ask = async (as: string | undefined) => {
      const headers: Record<string, string> = as === undefined ? {} : { authorization: as };
      const before = graph.accounts.requests.length;
      const response = await gateway.post({ query }, { headers });
      const { headers: told } = response;
      const body: unknown = await response.json();
      return { told, body, isShared: graph.accounts.requests.length === before };
    };
    const own = who === 'identified' ? 'Bearer own' : undefined;
    await ask(own);
    await ask(own);
    const { told, isShared, body } = await ask(own);
    expect(told.get('cache-control')).toBe(control);
    expect(told.has('etag')).toBe(etag === 'yes');
    expect(told.get('x-cache') ?? 'none').toBe(cache);
    expect(told.has('age')).toBe(cache === 'HIT');
    expect(body).toHaveProperty('data');
    if (cache === 'HIT') {
      const expected = ['accept', 'accept-encoding', ...(vary === '' ? [] : [vary])];
      expect(told.get('vary')!.split(', ')).toEqual(expect.arrayContaining(expected));
      if (vary === '') expect(told.get('vary')).not.toContain('authorization');
    }
    expect(isShared).toBe(shared !== 'nobody');
    expect((await ask('Bearer other')).isShared).toBe(shared === 'everybody');
    expect((await ask(undefined)).isShared).toBe(
      shared === 'everybody' || (shared === 'those without one' && who === 'anonymous'),
    );
  },
);
