import { subscriptionsTransportWs } from '../../../../../gateway/subgraph-calls/subscriptions/subscriptions-transport-ws';
import { callerOf } from '../../../../support/caller';

const dialect = subscriptionsTransportWs({
  url: new URL('http://127.0.0.1/graphql'),
  headers: { 'x-tenant': 't1' },
  signer: undefined,
});
const read = (message: object) => {
  const found = dialect.read(Buffer.from(JSON.stringify(message)));
  return 'body' in found ? { ...found, body: JSON.parse(found.body.toString()) as unknown } : found;
};

it('asks for the sub-protocol graphql-ws', async () => {
  const { protocols, init } = await dialect.handshake(callerOf({ headers: { authorization: 'Bearer u1' } }));
  expect(protocols).toEqual(['graphql-ws']);
  expect(JSON.parse(init)).toEqual({
    type: 'connection_init',
    payload: { 'x-tenant': 't1', authorization: 'Bearer u1' },
  });
});

it.each([
  ['one error', { message: 'no' }],
  ['a list of errors', [{ message: 'no' }]],
  ['a response', { errors: [{ message: 'no' }] }],
])('reads %s as a refusal', (_, payload) => {
  expect(read({ type: 'error', id: '1', payload })).toEqual({
    is: 'refused',
    id: '1',
    body: { errors: [{ message: 'no' }] },
  });
});

it('does not come back after a connection_error', () => {
  expect(read({ type: 'connection_error', payload: { message: 'Prohibited connection!' } })).toEqual({
    is: 'closed',
    failure: 'not-accepted',
    reason: '{"message":"Prohibited connection!"}',
  });
});

it('takes ka for a sign of life', () => {
  expect(read({ type: 'ka' })).toEqual({ is: 'alive' });
});

it('refuses messages of other protocols', () => {
  expect(() => read({ type: 'next', id: '1', payload: {} })).toThrow(SyntaxError);
});
