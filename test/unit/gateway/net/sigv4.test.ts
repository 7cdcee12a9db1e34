import { sign } from 'aws4';
import { sigV4 } from '../../../../gateway/net/sigv4';

const keys = { accessKeyId: 'AKIDKNOWN', secretAccessKey: 'secret' };
const scope = { service: 'execute-api', region: 'eu-west-1' };

/** As REST sources are requested: another signer has the same signature of what is sent. */
it.each([
  ['GET', '/things/a%20b%2Fc'],
  ['GET', '/things/%C3%A4%21%2A%28%29'],
  ['GET', '/stock?ids=1,2'],
  ['GET', '/stock?b=x%20y&b=a&a%5B0%5D=1&empty='],
  ['GET', '/stock?q=%E2%82%AC*&plus=a+b&flag'],
  ['DELETE', '/things/1'],
])('signs a %s to %s', async (method, path) => {
  const body = Buffer.alloc(0);
  const url = new URL(path, 'https://api.example.com');
  const signed = await sigV4({ ...scope, credentials: async () => keys }).sign({
    method,
    url,
    body,
  });
  const names = signed.filter((_, i) => i % 2 === 0);
  const { authorization, ...others } = Object.fromEntries(names.map((name, i) => [name, signed[2 * i + 1]!]));
  const expected = sign({ ...scope, method, path, host: url.host, headers: others }, keys);
  const signatureIn = (text: unknown) => /Signature=([0-9a-f]{64})$/.exec(String(text))![1];
  expect(signatureIn(authorization)).toBe(signatureIn(expected.headers!['Authorization']));
});
