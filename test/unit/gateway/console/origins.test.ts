import { ConsoleOrigins } from '../../../../gateway/console/origins';
import { parseOptions } from '../../../../gateway/options';

function originsOf(admin: object, port?: number): readonly string[] {
  const origins = new ConsoleOrigins(parseOptions({ supergraph: { file: 'a.graphql' }, admin }).admin);
  if (port !== undefined) origins.listensAt({ address: '127.0.0.1', family: 'IPv4', port });
  return origins.all;
}

it('are those of this machine, at the port that is listened at', () => {
  expect(originsOf({ port: 0 }, 1234)).toEqual(['http://127.0.0.1:1234', 'http://localhost:1234']);
});

it('are at the port of the option where another process listens', () => {
  expect(originsOf({ port: 9464 })).toEqual(['http://127.0.0.1:9464', 'http://localhost:9464']);
});

it('have the host of the option, unless it is an address of every network or of IPv6', () => {
  expect(originsOf({ port: 80, host: '10.0.0.1' })).toContain('http://10.0.0.1:80');
  for (const host of ['0.0.0.0', '::', '::1']) expect(originsOf({ port: 80, host })).toHaveLength(2);
});

it('are none without a console, or without a known port', () => {
  expect(originsOf({ port: 9464, console: { enabled: false } })).toEqual([]);
  expect(originsOf({ port: 0 })).toEqual([]);
});
