/** The pages *Operations* and *Errors* of the console, from real requests to real subgraphs. */
import type { ErrorsReport, LiveReport, OperationsReport } from '../../gateway/console/api';
import { eventually } from '../support/process';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';

const secret = 'S3CRET';
let subgraph: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'boats',
    typeDefs: 'type Query { boats(name: String): [Boat!]! } type Boat { name: String owner: String }',
    resolvers: {
      Query: { boats: () => [{ name: secret }, { name: secret }] },
      Boat: {
        owner: () => {
          throw new Error(`The owner is ${secret}.`);
        },
      },
    },
  });
  gateway = await startTestGateway({
    ...{ supergraph: sourceOf(compose([subgraph])), mode: 'production' },
    admin: { port: 0, console: { sampling: 1 } },
  });
});
afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
});

async function send(query: string, client: string, more: Json = {}): Promise<string> {
  const headers = {
    'apollographql-client-name': client,
    'apollographql-client-version': '1.2',
    cookie: secret,
  };
  const answer = await gateway.post({ query, ...more }, { headers });
  await answer.text();
  return answer.headers.get('x-request-id')!;
}

async function read<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${gateway.adminUrl}/console/api/${path}`);
  const text = await response.text();
  expect(text).not.toContain(secret);
  return JSON.parse(text) as Answer;
}

/** The operations, when as many requests were counted. */
async function counted(requests: number): Promise<OperationsReport['operations']> {
  let found: OperationsReport['operations'] = [];
  await eventually(async () => {
    found = (await read<OperationsReport>('operations?range=hour')).operations;
    return found.reduce((sum, each) => sum + each.requests, 0) === requests;
  });
  return found;
}

it('shows what became of operations by their signature, and errors by field, client and operation', async () => {
  const owners = (name: string) => `query Owners { boats(name: "${name}") { name owner } }`;
  const ids: string[] = [];
  for (const name of [`${secret}1`, `${secret}2`]) ids.push(await send(owners(name), 'web'));
  ids.push(await send(owners(`${secret}3`), 'ios'));
  await send(`query Names($n: String = "${secret}") { boats(name: $n) { name } }`, 'web', {
    variables: { n: secret },
  });
  await send(`{ boats(name: "${secret}") { name } }`, 'web');
  await send(`query Owners { boats(name: "${secret}") { captain } }`, 'web');

  const refused = await send('query Invented { no }', 'web');

  const operations = await counted(7);

  expect(operations).toMatchObject([
    {
      ...{ name: 'Owners', type: 'query', requests: 3, failed: 3 },
      ...{ cached: 0, callsPerRequest: 1, hasMoreClients: false },
      clients: [
        { name: 'web', version: '1.2', requests: 2 },
        { name: 'ios', version: '1.2', requests: 1 },
      ],
    },
    { key: 'refused', name: '', requests: 2, failed: 2, clients: [{ name: 'web' }] },
    { name: 'Names', requests: 1, failed: 0 },
    { name: '{boats(name:""){name}}', requests: 1, failed: 0 },
  ]);
  expect(operations[0]!.p99).toBeGreaterThan(0);
  expect(operations[0]!.trend.at(-1)! + operations[0]!.trend.at(-2)!).toBe(3);

  const { errors } = await read<ErrorsReport>('errors');

  const key = operations[0]!.key;
  const ofOwners = {
    ...{ code: 'DOWNSTREAM_SERVICE_ERROR', path: 'boats.owner', service: 'boats' },
    operation: { key, name: 'Owners', type: 'query' },
  };
  expect(errors).toEqual([
    expect.objectContaining({
      ...{ code: 'GRAPHQL_VALIDATION_FAILED', path: '', service: '', requests: 2, example: refused },
      operation: { key: 'refused', name: '', type: '' },
    }),
    {
      ...{ ...ofOwners, client: { name: 'web', version: '1.2' }, requests: 2, example: ids[1] },
      ...{ first: expect.any(Number), last: expect.any(Number) },
    },
    expect.objectContaining({ ...ofOwners, client: { name: 'ios', version: '1.2' }, requests: 1 }),
  ]);

  const { durations } = await read<LiveReport>('live');
  expect(durations.counts.reduce((sum, each) => sum + each, 0)).toBe(7);
  expect(durations.counts).toHaveLength(durations.bounds.length + 1);
});

it('counts failed requests, of which there are never more than requests', async () => {
  let series!: LiveReport['series'];
  await eventually(async () => {
    ({ series } = await read<LiveReport>('live'));
    return series.failed.some((each) => each! > 0);
  });
  // Each answer of `Owners` has two errors.
  series.failed.forEach((failed, i) => expect(failed).toBeLessThanOrEqual(series.requests[i]!));
});

it('refuses a range that it does not have', async () => {
  const answer = await fetch(`${gateway.adminUrl}/console/api/operations?range=year`);
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('`range` must be quarter, hour or day');
});
