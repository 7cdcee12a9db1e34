import { graphqlTransportWs } from '../../../../../gateway/subgraph-calls/subscriptions/graphql-transport-ws-client';

const dialect = graphqlTransportWs({
  url: new URL('http://127.0.0.1/graphql'),
  headers: {},
  signer: undefined,
});
const readText = (text: string) => {
  const message = dialect.read(Buffer.from(text));
  return 'body' in message ? { ...message, body: message.body.toString() } : message;
};

it.each([
  ['as most servers write it', '{"id":"12","type":"next","payload":{"data":{"a":"}"}}}'],
  ['with its members in another order', '{"type":"next","payload":{"data":{"a":"}"}},"id":"12"}'],
  ['with white space', '{ "id": "12", "type": "next", "payload": {"data":{"a":"}"}} }\n'],
  ['with another member at its end', '{"id":"12","type":"next","payload":{"data":{"a":"}"}},"x":{}}'],
])('reads an event %s', (_, text) => {
  expect(readText(text)).toEqual({ is: 'event', id: '12', body: '{"data":{"a":"}"}}' });
});

it('takes the last of two ids', () => {
  expect(readText('{"id":"1","type":"next","payload":{},"id":"2"}')).toMatchObject({ id: '2' });
});

it.each([
  '{"id":"1","type":"next","payload":}',
  '{"id":"1","type":"next","payload":{}',
  '{"id":"1","type":"next"}',
])('refuses %s', (text) => {
  expect(() => readText(text)).toThrow(SyntaxError);
});
