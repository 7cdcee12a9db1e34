import { headersOfClient } from '../../../../gateway/websocket/connection-params';

const handshake = { host: 'shop.example', 'x-weir-graph': 'pr-1' };
const headersWith = (params: Record<string, unknown>) => headersOfClient({ handshake, params, named: [] });
const own = { ...handshake, accept: 'application/json', 'content-type': 'application/json' };

it('takes credentials from the message, and no header that a proxy sets', () => {
  const params = {
    'X-API-Key': 'k',
    'x-weir-graph': 'pr-2',
    cookie: 'a=b',
    ':authority': 'partners.shop.example',
  };
  expect(headersWith(params)).toEqual({ ...own, 'x-api-key': 'k' });
});

it.each([{ 'x-api-key': 'k' }, { authorization: 'Bearer t' }, {}])(
  'has the host of the handshake beside %j: only what a signature covers is as the message has it',
  (credentials) => {
    const params = { ...credentials, host: 'partners.shop.example', 'content-type': 'text/plain' };
    expect(headersWith(params)).toEqual({ ...own, ...credentials });
  },
);

it('has the headers that a signature covers', () => {
  const covered = { host: 'api.shop.example', accept: '*/*' };
  const authorization = 'AWS4-HMAC-SHA256 Credential=x';
  expect(headersWith({ Authorization: authorization, ...covered })).toEqual({
    ...own,
    ...covered,
    authorization,
  });
});
