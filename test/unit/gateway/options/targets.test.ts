import { parseOptions } from '../../../../gateway/options';
import { targetOf } from '../../../../gateway/options/targets';

const withUrl = (url: string) => () => parseOptions({ subgraphs: { stock: { url } } });

it.each([
  [
    'dns://stock.internal:4001/graphql',
    { kind: 'dns', name: 'stock.internal', host: 'stock.internal', port: 4001, path: '/graphql' },
  ],
  ['dns://stock.internal', { kind: 'dns', port: 80, path: '/', protocol: 'http' }],
  ['dns://stock.internal?protocol=https', { kind: 'dns', port: 443, path: '/', protocol: 'https' }],
  [
    'dns+srv://_graphql._tcp.stock.internal/graphql',
    {
      ...{ kind: 'dns+srv', name: '_graphql._tcp.stock.internal', host: 'stock.internal' },
      ...{ port: undefined, path: '/graphql' },
    },
  ],
  [
    'cloudmap://shop.internal:8080/stock/v1/graphql?region=eu-central-1',
    {
      ...{ kind: 'cloudmap', name: 'shop.internal', service: 'stock', host: 'stock.shop.internal' },
      ...{ port: 8080, path: '/v1/graphql', region: 'eu-central-1' },
    },
  ],
  ['cloudmap://shop/stock', { kind: 'cloudmap', service: 'stock', path: '/', port: undefined }],
  ['http://stock.internal:4001/graphql?x=1', { kind: 'static', host: 'stock.internal' }],
])('reads %s', (text, expected) => {
  expect(targetOf(text)).toMatchObject({ text, ...expected });
  expect(withUrl(text)().subgraphs['stock']!.url).toBe(text);
});

it.each([
  ['ws://stock.internal:4001/events', 'http'],
  ['wss://127.0.0.1/events?x=1', 'https'],
])('reads the URL of a WebSocket as that of one endpoint: %s', (text, protocol) => {
  expect(targetOf(text)).toMatchObject({ kind: 'static', text, protocol });
});

const forms = /must be an http or https URL, or a target such as dns:/;

it.each([
  ['stock.internal', forms],
  ['ftp://stock.internal', forms],
  ['file:///etc/passwd', forms],
  ['consul://stock', forms],
  ['dns://user:word@stock.internal', /must not hold a name or a password/],
  ['dns://10.0.0.1:4001', /must have the name of a host, and not an address/],
  ['dns://2130706433', /must have the name of a host/],
  ['dns://0x7f.1', /must have the name of a host/],
  ['dns://[fd00::1]:4001', /must have the name of a host/],
  ['dns:///graphql', /must have the name of a host/],
  ['dns://stock..internal', /must have the name of a host/],
  ['dns://stock.internal?port=1', /must not have the parameter "port": it takes protocol/],
  ['dns://stock.internal?protocol=gopher', /must have http or https as its `protocol`/],
  ['dns+srv://stock.internal', /must name a service, such as _graphql._tcp.stock.internal/],
  ['dns+srv://_graphql._tcp.stock.internal:80', /must have no port: SRV records hold it/],
  ['cloudmap://shop.internal', /must name a service, such as cloudmap:/],
  ['cloudmap://shop.internal/st%20ck', /must name a service/],
  ['cloudmap://shop.internal/stock?endpoint=file:///x', /must have an http or https URL as its `endpoint`/],
])('refuses %s', (text, problem) => {
  expect(withUrl(text)).toThrow(problem);
  expect(() => parseOptions({ subgraphs: { stock: { endpoints: [{ url: text }] } } })).toThrow(problem);
});

it('refuses a target for an AppSync API', () => {
  const appsync = { auth: { type: 'API_KEY' as const, apiKey: 'da2-x' } };
  expect(() => parseOptions({ subgraphs: { stock: { url: 'dns://stock.internal', appsync } } })).toThrow(
    /must not have a target with `appsync`/,
  );
});

it.each([
  [{ interval: '10ms' }, /must be at least 100ms/],
  [{ dnsServers: ['ns.internal'] }, /must be an address/],
  [{ dnsServers: ['10.0.0.2:99999'] }, /must be an address/],
  [{ dnsServers: ['10.0.0.300:53'] }, /must be an address/],
  [{ dnsServers: ['10.0.0.2:53/x'] }, /must be an address/],
  [{ dnsServers: [] }, /must have at least one address/],
])('refuses the options %j of discovery', (discovery, problem) => {
  expect(() => parseOptions({ discovery })).toThrow(problem);
});

it.each(['10.0.0.2', '10.0.0.2:5353', 'fd00::2', '[fd00::2]:53'])('takes the DNS server %s', (server) => {
  expect(parseOptions({ discovery: { dnsServers: [server] } }).discovery.dnsServers).toEqual([server]);
});
