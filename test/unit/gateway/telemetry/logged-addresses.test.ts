import { createHmac } from 'node:crypto';
import { parseOptions } from '../../../../gateway/options';
import { compileWriteAddresses } from '../../../../gateway/telemetry/logged-addresses';

const compile = (logging: object) => compileWriteAddresses(parseOptions({ logging }).logging);

it('leaves texts alone by default', () => {
  expect(compile({})).toBeUndefined();
});

it.each([
  ['192.0.2.77', '192.0.2.0'],
  ['::ffff:192.0.2.77', '192.0.2.0'],
  ['::FFFF:c000:24d', '192.0.2.0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
  ['2001:DB8:0001::6', '2001:db8:1::'],
  ['2001:db8::6', '2001:db8::'],
  ['::1', '::'],
  ['64:ff9b::192.0.2.77', '64:ff9b::'],
  ['fe80::1:2%eth0', 'fe80::%eth0'],
  ['203.0.113.9, 192.0.2.77:443, [2001:db8:1:2::3]:443', '203.0.113.0, 192.0.2.0:443, [2001:db8:1::]:443'],
  [
    'for=192.0.2.77;proto=http, for="[2001:db8:1:2::3]:4711"',
    'for=192.0.2.0;proto=http, for="[2001:db8:1::]:4711"',
  ],
  [
    'The address 192.0.2.77 is blocked, as is 192.0.2.78.',
    'The address 192.0.2.0 is blocked, as is 192.0.2.0.',
  ],
  [
    'from:192.0.2.77 dial tcp 192.0.2.78:4001: refused 192.0.2.79...',
    'from:192.0.2.0 dial tcp 192.0.2.0:4001: refused 192.0.2.0...',
  ],
  [
    'from:2001:db8:1:2::3 peer:2001:db8:1:2::3. add:[2001:db8:1:2::3]:443',
    'from:2001:db8:1:: peer:2001:db8:1::. add:[2001:db8:1::]:443',
  ],
  [
    'unknown, _hidden, abc.def, 12:04:05.678, 1.2.3, dead:beef',
    'unknown, _hidden, abc.def, 12:04:05.678, 1.2.3, dead:beef',
  ],
])('shortens %s', (text, expected) => {
  expect(compile({ addresses: 'shortened' })!(text)).toBe(expected);
});

it('hashes an address by the key, however it is written', () => {
  const addressKey = 'a secret of the log';
  const write = compile({ addresses: 'hashed', addressKey })!;
  const hashOf = (address: string) =>
    createHmac('sha256', addressKey).update(address).digest('hex').slice(0, 16);
  expect(write('192.0.2.77, ::ffff:192.0.2.77')).toBe(`${hashOf('192.0.2.77')}, ${hashOf('192.0.2.77')}`);
  expect(write('2001:DB8:0:0::1')).toBe(hashOf('2001:db8::1'));
  expect(compile({ addresses: 'hashed', addressKey: 'another secret of it' })!('192.0.2.77')).not.toBe(
    write('192.0.2.77'),
  );
});

it('hashes by a key of the process, which a reload keeps', () => {
  const [one, other] = [compile({ addresses: 'hashed' })!, compile({ addresses: 'hashed' })!];
  expect(one('192.0.2.77')).toMatch(/^[0-9a-f]{16}$/);
  expect(other('192.0.2.77')).toBe(one('192.0.2.77'));
  expect(one('192.0.2.78')).not.toBe(one('192.0.2.77'));
});

it('takes time in proportion to the text, whatever it has', () => {
  const write = compile({ addresses: 'shortened' })!;
  for (const text of [':'.repeat(1e5), '1.2.3.4.'.repeat(1e4), '1::2 '.repeat(1e4)]) {
    const start = performance.now();
    write(text);
    expect(performance.now() - start).toBeLessThan(2000);
  }
});
