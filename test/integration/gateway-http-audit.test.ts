import { serverAudits } from 'graphql-http';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { startSmallGraph, type SmallGraph } from '../support/small-graph';

let graph: SmallGraph;
let gateway: TestGateway;

beforeAll(async () => {
  graph = await startSmallGraph();
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), introspection: true });
});

afterAll(async () => {
  await gateway.stop();
  await graph.close();
});

/**
 * The audit asks for 200 when a document does not parse or is not valid, in the old media type. Weir answers 400 in
 * both: it says so in its documentation.
 */
const mayWarn = ['572B', 'FDE2', '7B9B'];

const audits = serverAudits({
  url: () => gateway.url,
  // Without it a GET is refused: a page of somebody else's could have sent it.
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), 'apollo-require-preflight': '1' },
    }),
});

it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
  'passes the audit %s',
  async (_, audit) => {
    const result = await audit.fn();
    if (result.status === 'warn' && mayWarn.includes(audit.id)) return;
    expect(result).toMatchObject({ status: 'ok' });
  },
);
