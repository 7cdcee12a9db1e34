/** Calls in the usual form are answered without the library of the protocol: as the library answers them. */
import { sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { compose, startSubgraph, type TestSubgraph } from '../support/small-graph';
import { modernMessage, olderMessage, toolFiles } from '../support/tool-files';
import { usualCall } from '../../gateway/mcp/usual-call';

const files = toolFiles({ 'echo.graphql': 'query Echo($text: String!) { echo(text: $text) fails }' });
let subgraph: TestSubgraph;
let gateway: TestGateway;

beforeAll(async () => {
  subgraph = await startSubgraph({
    name: 'echo',
    typeDefs: 'type Query { echo(text: String!): String  fails: Int }',
    resolvers: {
      Query: {
        echo: (_: unknown, { text }: { text: string }) => text,
        fails: () => {
          throw new Error('It fails.');
        },
      },
    },
  });
  gateway = await startTestGateway({
    supergraph: sourceOf(compose([subgraph])),
    mcp: { operations: [files.pattern] },
  });
});
afterAll(async () => {
  await gateway.stop();
  await subgraph.close();
  files.remove();
});

async function send({ headers, body }: ReturnType<typeof modernMessage>) {
  const answer = await fetch(gateway.url.replace('/graphql', '/mcp'), { method: 'POST', headers, body });
  const text = await answer.text();
  const json = text.startsWith('event:') ? /^data: (.*)$/m.exec(text)![1]! : text;
  return [answer.status, JSON.parse(json)] as const;
}

const call = (params: object, id: string | number = 1) => ({ method: 'tools/call', params, id });
const echo = (text: unknown) => ({ name: 'Echo', arguments: { text } });

it.each([
  ['an answer', call(echo('a "quoted" \\ text\n'))],
  ['a text as id', call(echo('é'), 'x"y')],
  ['a wrong argument', call(echo(7))],
  ['no arguments', call({ name: 'Echo' })],
  ['an unknown argument', call({ name: 'Echo', arguments: { txet: 'a' } })],
  ['a token for progress', call({ ...echo('a'), _meta: { progressToken: 1 } })],
])('are answered alike: %s', async (_, message) => {
  for (const messageOf of [modernMessage, olderMessage]) {
    const usual = messageOf(message);
    const other = unusual(usual);
    expect([isUsual(usual), isUsual(other)]).toEqual([true, false]);
    expect(withoutTimes(await send(usual))).toEqual(withoutTimes(await send(other)));
  }
});

const isUsual = ({ headers, body }: ReturnType<typeof modernMessage>): boolean =>
  usualCall(JSON.parse(body), headers) !== undefined;

/** The same message in a form that the library alone reads. */
const unusual = ({ headers, body }: ReturnType<typeof modernMessage>) =>
  headers['mcp-protocol-version'] === '2026-07-28'
    ? { headers, body: body.replace('"version":"1"', '"version":"1","title":"Test"') }
    : { headers: { ...headers, 'mcp-protocol-version': '2024-11-05' }, body };

/** In development an answer has how it was made. */
const withoutTimes = ([status, body]: Awaited<ReturnType<typeof send>>): unknown => {
  const { result } = body;
  const { data, errors } = result.structuredContent ?? {};
  const content = result.isError === true ? result.content : JSON.parse(result.content[0].text).data;
  return [status, { ...body, result: { ...result, content, structuredContent: { data, errors } } }];
};

it.each<[string, ReturnType<typeof modernMessage>]>([
  [
    'another version in the header',
    {
      ...modernMessage(call(echo('a'))),
      headers: { ...modernMessage(call(echo('a'))).headers, 'mcp-protocol-version': '2025-11-25' },
    },
  ],
  [
    'another tool in the header',
    {
      ...modernMessage(call(echo('a'))),
      headers: { ...modernMessage(call(echo('a'))).headers, 'mcp-name': 'Other' },
    },
  ],
  [
    'no envelope',
    { ...olderMessage(call(echo('a'))), headers: { ...modernMessage(call(echo('a'))).headers } },
  ],
  [
    'a client that takes no stream',
    {
      ...olderMessage(call(echo('a'))),
      headers: { ...olderMessage(call(echo('a'))).headers, accept: 'application/json' },
    },
  ],
  ['members that are no part of a call', modernMessage(call({ ...echo('a'), requestState: 'x' }))],
])('are left to the library with %s', (_, message) => {
  expect(isUsual(message)).toBe(false);
});
