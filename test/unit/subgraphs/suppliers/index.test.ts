import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020';
import { parse } from 'yaml';
import { startService, type RunningService } from '../../../../kit/serve/service';
import { suppliers } from '../../../../subgraphs/suppliers';

const document = parse(
  readFileSync(join(__dirname, '../../../../subgraphs/suppliers/openapi.yaml'), 'utf8'),
) as { components: { schemas: Record<string, object> } };

let service: RunningService;
beforeAll(async () => (service = await startService(suppliers, { port: 0, logLevel: 'silent' })));
afterAll(() => service.stop());

async function send(path: string, { body, ...headers }: Record<string, string> = {}) {
  const response = await fetch(service.url + path, {
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body }),
  });
  const text = await response.text();
  return {
    ...{ status: response.status, tag: response.headers.get('etag') },
    caching: response.headers.get('cache-control'),
    content: text === '' ? undefined : (JSON.parse(text) as never),
  };
}

it.each([
  ['/suppliers', 'Supplier'],
  ['/suppliers?ids=s1,s3', 'Supplier'],
  ['/suppliers/s2', 'Supplier'],
  ['/products?upcs=p1,p2,p300', 'Product'],
  ['/suppliers/nobody', 'Problem'],
])('answers %s as its document says', async (path, name) => {
  const { content } = await send(path);
  const ajv = new Ajv2020({ strict: false, formats: { int32: true } });
  ajv.addSchema({ $id: 'document', ...document });
  for (const each of [content].flat())
    expect([ajv.validate({ $ref: `document#/components/schemas/${name}` }, each), ajv.errors]).toEqual([
      true,
      null,
    ]);
});

it('answers those of a list that are there, for five minutes', async () => {
  expect(await send('/suppliers?ids=s3,nobody,s1')).toMatchObject({
    caching: 'max-age=300',
    content: [{ id: 's3' }, { id: 's1' }],
  });
  expect(await send('/products?upcs=p7,else')).toMatchObject({ content: [{ upc: 'p7' }] });
});

it('answers one supplier with a tag, by which it is not sent again', async () => {
  const { tag, caching } = await send('/suppliers/s1');
  expect(caching).toBe('max-age=60');
  expect(await send('/suppliers/s1', { 'if-none-match': tag! })).toEqual({
    ...{ status: 304, tag, caching, content: undefined },
  });
});

it('takes questions, and refuses those that its document forbids', async () => {
  const body = JSON.stringify({ upc: 'p1', text: 'When?' });
  const { status, content } = await send('/suppliers/s1/enquiries', { body });
  expect([status, content]).toEqual([201, { id: expect.any(String), upc: 'p1', text: 'When?' }]);
  expect(await send('/suppliers/nobody/enquiries', { body })).toMatchObject({ status: 404 });
  expect(await send('/suppliers/s1/enquiries', { body: '{"upc":"p1"}' })).toMatchObject({ status: 400 });
  expect(await send('/products')).toMatchObject({ status: 400 });
});
