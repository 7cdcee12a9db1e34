import { parseOptions } from '../../../../gateway/options';

const graphs = { default: 'shop@prod' };

it('has the default graph run, also when complete options are read again', () => {
  const options = parseOptions({ supergraph: { registry: 'folder' }, graphs });
  expect(options.supergraph!.graph).toBe('shop@prod');
  expect(parseOptions(options)).toEqual(options);
});

it('refuses another graph beside it', () => {
  expect(() => parseOptions({ supergraph: { registry: 'folder', graph: 'shop@dev' }, graphs })).toThrow(
    '`supergraph` must name the `default` of `graphs` as its graph, or none.',
  );
});

it.each([{}, { supergraph: { file: 'supergraph.graphql' } }])('wants a registry: %j', (given) => {
  const option = 'supergraph' in given ? '`supergraph` must name a registry' : '`graphs` must have';
  expect(() => parseOptions({ ...given, graphs })).toThrow(option);
});

it.each(['Authorization', 'x-api-key', 'cookie'])(
  'refuses to choose by %s, which has credentials',
  (header) => {
    const choose = [{ header, groups: ['staff'], graph: 'shop@{value}' }];
    expect(() => parseOptions({ supergraph: { registry: 'folder' }, graphs: { ...graphs, choose } })).toThrow(
      `\`graphs.choose.0.header\` must not be a header of credentials, which never name a graph, but got: "${header}".`,
    );
  },
);

const choosing = (host: string) =>
  parseOptions({
    supergraph: { registry: 'folder' },
    graphs: { ...graphs, choose: [{ host, graph: 'shop@partners' }] },
  }).graphs!.choose[0]!.host;

it.each([
  ['partners.shop.example', 'partners.shop.example'],
  ['Partners.Shop.example.', 'partners.shop.example'],
  ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
  ['my_service', 'my_service'],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:DB8::1]', '[2001:db8::1]'],
])('takes the host %s', (host, taken) => {
  expect(choosing(host)).toBe(taken);
});

it.each([
  'partners.shop.example:8443',
  '[2001:db8::1]:8443',
  '2001:db8::1',
  'partners.shop.example/graphql',
  'https://partners.shop.example',
  '*.shop.example',
  'ana@shop.example',
  'partners.shop.example..',
  '.shop.example',
  'shop example',
  '.',
])('refuses %s in place of a host', (host) => {
  expect(() => choosing(host)).toThrow(
    `\`graphs.choose.0.host\` must be the host alone such as partners.shop.example, without scheme, port, path and \`*\`, but got: "${host}".`,
  );
});

it.each(['münchen.example', 'partners.ｓhop.example', 'partners。shop.example'])(
  'refuses the host %s, as clients send punycode',
  (host) => {
    expect(() => choosing(host)).toThrow(
      `\`graphs.choose.0.host\` must be in ASCII as clients send it, which is punycode (xn--…) for other letters, but got: "${host}".`,
    );
  },
);
