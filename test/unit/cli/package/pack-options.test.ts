import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packOptions } from '../../../../cli/package/pack-options';

const folder = mkdtempSync(join(tmpdir(), 'weir-pack-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

function pack(text: string) {
  const file = join(folder, 'weir.yaml');
  writeFileSync(file, text);
  return packOptions(file);
}

it('replaces certificates by files of the package', () => {
  const { text, certificates } = pack(`
connections: { ca: tls/ca.pem }
cache: { redis: { ca: redis.pem } }
subgraphs:
  "a/b": { tls: { cert: tls/cert.pem, key: /opt/key.pem } }
`);
  expect(parse(text)).toEqual({
    connections: { ca: 'certificate-1.pem' },
    cache: { redis: { ca: 'certificate-2.pem' } },
    subgraphs: { 'a/b': { tls: { cert: 'certificate-3.pem', key: '/opt/key.pem' } } },
  });
  expect([...certificates]).toEqual([
    ['certificate-1.pem', { path: ['connections', 'ca'], file: join(folder, 'tls/ca.pem') }],
    ['certificate-2.pem', { path: ['cache', 'redis', 'ca'], file: join(folder, 'redis.pem') }],
    ['certificate-3.pem', { path: ['subgraphs', 'a/b', 'tls', 'cert'], file: join(folder, 'tls/cert.pem') }],
  ]);
});

it('replaces modules by files of the package', () => {
  const { text, modules } = pack(`
auth: { iam: { module: keys.mjs }, lambda: { module: ../who.ts } }
authorization: { policies: { module: policies.cjs } }
`);
  expect(parse(text)).toEqual({
    auth: { iam: { module: 'auth-iam-module.js' }, lambda: { module: 'auth-lambda-module.js' } },
    authorization: { policies: { module: 'authorization-policies-module.js' } },
  });
  expect(Object.fromEntries(Array.from(modules, ([name, { file }]) => [name, file]))).toEqual({
    'auth-iam-module': join(folder, 'keys.mjs'),
    'auth-lambda-module': join(folder, '../who.ts'),
    'authorization-policies-module': join(folder, 'policies.cjs'),
  });
});

it('replaces extensions by ES modules of the package', () => {
  const { text, extensions } = pack('extensions: [./tenant.mjs, ../b.js]\n');
  expect(parse(text)).toEqual({ extensions: ['extensions-0.mjs', 'extensions-1.mjs'] });
  expect(extensions).toEqual({
    'extensions-0': join(folder, 'tenant.mjs'),
    'extensions-1': join(folder, '../b.js'),
  });
});

it.each(['/var/task/ca.pem', '${REDIS_CA}'])('leaves what the function sees as it is: %s', (ca) => {
  const text = `cache:\n  redis:\n    ca: ${ca}\n`;
  const packed = pack(text);
  expect([packed.text, packed.certificates.size]).toEqual([text, 0]);
});

it.each([
  ['privateLinks: { keysFile: keys }', '`privateLinks.keysFile` names a file with secrets'],
  [
    'subgraphs: { a: { tls: { key: key.pem } } }\nadmin: { token: "${file:token}" }',
    '`admin.token`, `subgraphs.a.tls.key` name files with secrets',
  ],
  [
    'audit: { trails: [{ to: audit.log }] }',
    '`audit.trails.0.to` is in the folder of the function, which cannot be written',
  ],
])('refuses %s', (text, says) => {
  expect(() => pack(text)).toThrow(says);
});

it.each(['${file:/run/secrets/token}', '${TOKEN}'])('leaves the secret %s as it is', (token) => {
  const text = `admin:\n  token: ${token}\n`;
  expect(pack(text).text).toBe(text);
});
