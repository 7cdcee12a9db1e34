/** All that the console is made of, and the log, of a gateway whose traffic is full of secrets. */
import type { ErrorsReport, OperationsReport, RequestSummary } from '../../gateway/console/api';
import { planted, secret, secretsSoFar } from '../support/planted-secrets';
import { sendSecrets, startSecretBoats } from '../support/secret-traffic';
import { eventually } from '../support/process';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, type TestSubgraph } from '../support/small-graph';

const token = secret();
let boats: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  boats = await startSecretBoats();
  gateway = await startTestGateway({
    ...{ supergraph: sourceOf(compose([boats])), mode: 'production' },
    admin: { port: 0, token, console: { sampling: 1 } },
    cache: { responses: { enabled: true } },
    headers: { forward: ['authorization', 'x-api-key'] },
  });
});
afterAll(async () => {
  await gateway.stop();
  await boats.close();
});

async function text(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${gateway.adminUrl}/console/api/${path}`, { headers });
  expect(response.status).toBe(200);
  return response.text();
}

/** What stands around secrets in a text. */
const around = (found: string): string[] =>
  found
    .split(planted)
    .slice(1)
    .map((after, i) => `${found.split(planted)[i]!.slice(-80)}${planted}${after.slice(0, 40)}`);

it('has none of over 1,000 secrets of clients and subgraphs in its JSON and in the log', async () => {
  const cached = { 'cache-control': 'public, max-age=60', 'cache-groups': `"${secret()}"` };
  for (const headers of [{}, cached, { 'set-cookie': `session=${secret()}`, vary: secret() }]) {
    boats.headers = headers;
    await sendSecrets(gateway);
  }
  boats.answer = (_, response) => response.writeHead(500, { 'x-token': secret() }).end(secret());
  await sendSecrets(gateway);
  boats.answer = (_, response) => response.end(`{ "data": { "boats": "${secret()}" } `);
  await sendSecrets(gateway);
  boats.answer = undefined;
  expect(secretsSoFar()).toBeGreaterThan(1_000);

  await eventually(async () => {
    const { operations } = JSON.parse(await text('operations')) as OperationsReport;
    return operations.reduce((sum, { requests }) => sum + requests, 0) === 5 * 31;
  });
  const { errors } = JSON.parse(await text('errors')) as ErrorsReport;
  expect(errors.length).toBeGreaterThan(20);
  expect(errors.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['GRAPHQL_VALIDATION_FAILED', 'SUBREQUEST_HTTP_ERROR', 'BAD_USER_INPUT']),
  );
  const requests = JSON.parse(await text('requests')) as RequestSummary[];
  expect(requests).toHaveLength(5 * 31);
  for (const path of [
    ...['live', 'operations?range=quarter', 'operations?range=hour', 'operations', 'errors', 'requests'],
    ...['refusals', 'graph', 'schema', 'report', 'caches', 'streams', 'versions', 'options', 'about'],
    ...['gateways', 'shadow', ...requests.map(({ id }) => `requests/${id}`)],
  ])
    expect(around(await text(path))).toEqual([]);
  expect(around(JSON.stringify(gateway.log))).toEqual([]);
  expect(around(await gateway.metrics())).toEqual([]);
});
