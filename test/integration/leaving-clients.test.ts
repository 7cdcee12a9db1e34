/** A client that is gone costs subgraphs nothing more: what runs for it is aborted, whichever way it has come. */
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { join } from 'node:path';
import { requestBytes } from '../support/pipelined';
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type SmallGraph, startSmallGraph } from '../support/small-graph';

const files = join(__dirname, '../support/tls');
const tls = { cert: join(files, 'cert.pem'), key: join(files, 'key.pem') };
const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ query: '{ me { name } }' });

let graph: SmallGraph;
let gateway: TestGateway;
/** Answers the calls that are on their way. */
let held: (() => void)[];

beforeEach(async () => {
  graph = await startSmallGraph();
  held = [];
  graph.accounts.answer = (_, response) => held.push(() => response.end('{"data":{"me":{"name":"Ada"}}}'));
});
afterEach(async () => {
  await gateway.stop();
  await graph.close();
});

const start = async (more: object = {}): Promise<void> => {
  gateway = await startTestGateway({ supergraph: sourceOf(graph.supergraphSdl), ...more });
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const aborted = (): number => graph.accounts.requests.filter((call) => call.aborted).length;

const isIdle = async (): Promise<boolean> => (await gateway.inFlight()) === 0;

it('aborts the calls of all requests that were sent before the first was answered', async () => {
  await start();
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  for (let i = 0; i < 5; i++)
    socket.write(requestBytes('POST /graphql', [...Object.entries(json), ['authorization', `${i}`]], body));
  await until(() => held.length === 5);
  socket.destroy();
  await until(() => aborted() === 5);
  await until(isIdle);
});

describe('over HTTP/2', () => {
  let session: ClientHttp2Session;

  beforeEach(async () => {
    await start({ tls });
    session = connectHttp2(new URL(gateway.url).origin, { ca: readFileSync(tls.cert) });
    session.on('error', () => undefined);
  });
  afterEach(() => session.destroy());

  const ask = (client: string): ClientHttp2Stream => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/graphql',
      ...json,
      authorization: client,
    });
    stream.on('error', () => undefined);
    stream.end(body);
    return stream;
  };

  it('aborts the calls of a stream that is reset, and no others', async () => {
    const [leaving, staying] = [ask('1'), ask('2')];
    await until(() => held.length === 2);
    leaving.close(8 /* CANCEL */);
    await until(() => aborted() === 1);
    for (const answer of held) answer();
    let text = '';
    for await (const chunk of staying) text += String(chunk);
    expect(JSON.parse(text)).toEqual({ data: { me: { name: 'Ada' } } });
    expect(aborted()).toBe(1);
    await until(isIdle);
    expect(gateway.log.flatMap(({ status }) => status ?? [])).toEqual([499, 200]);
  });

  it('aborts the calls of all streams when the connection is gone', async () => {
    for (const client of ['1', '2', '3']) ask(client);
    await until(() => held.length === 3);
    session.destroy();
    await until(() => aborted() === 3);
    await until(isIdle);
  });
});
