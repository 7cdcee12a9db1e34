import type { IncomingHttpHeaders } from 'node:http';
import { anonymous, createIdentity } from '../../../../../gateway/auth/identity';
import { claimAt } from '../../../../../gateway/auth/claim';
import { parseOptions } from '../../../../../gateway/options';
import { compileChooseGraph } from '../../../../../gateway/process/graphs/choose-graph';

const { graphs } = parseOptions({
  supergraph: { registry: 'folder' },
  graphs: {
    default: 'shop@prod',
    choose: [
      { host: 'Partners.shop.example.', graph: 'shop@partners' },
      { host: '[2001:db8::1]', graph: 'shop@address' },
      { claim: 'tenant', graph: 'shop@t-{value}' },
      { header: 'x-weir-graph', groups: ['staff'], graph: 'shop@{value}' },
    ],
    allow: [
      { graph: 'shop@partners', modes: ['none'] },
      { graph: 'shop@address', modes: ['none'] },
      { graph: 'shop@t-*', clients: ['web'] },
      { graph: 'shop@pr-*', groups: ['staff'], clients: ['web'] },
    ],
  },
});
const choose = compileChooseGraph(graphs!);

/** What is chosen: a name, or the code of an error. */
function chosen(headers: IncomingHttpHeaders, identity = anonymous, url = '/graphql'): unknown {
  const head = { method: 'POST', url, headers };
  const found = choose({ head, identity, claim: (name) => claimAt(identity.claims, name) });
  return typeof found === 'string' ? found : found.extensions['code'];
}
const caller = (more: object) => createIdentity({ mode: 'oidc', client: 'web', ...more });

it.each([
  [{ host: 'partners.shop.example' }],
  [{ host: 'PARTNERS.shop.example:8443' }],
  // The dot of the DNS root names the same host.
  [{ host: 'partners.shop.example.' }],
  [{ host: 'partners.shop.example.:8443' }],
  // Over HTTP/2 (RFC 9113, section 8.3.1).
  [{ ':authority': 'partners.shop.example:8443' }],
  [{ ':authority': 'partners.shop.example.:8443' }],
  [{ ':authority': 'partners.shop.example.' }],
  [{ ':authority': 'partners.shop.example', host: 'shop.example' }],
])('chooses by the host of %j', (headers) => {
  expect(chosen(headers)).toBe('shop@partners');
});

// RFC 9112, section 3.2.2.
it.each([
  ['http://partners.shop.example/graphql', 'shop@partners'],
  ['https://PARTNERS.shop.example.:8443/graphql', 'shop@partners'],
  ['http://shop.example/graphql', 'shop@prod'],
  ['*', 'shop@prod'],
])('chooses by the host of the URL %s, not by the header', (url, graph) => {
  const host = graph === 'shop@partners' || url === '*' ? 'shop.example' : 'partners.shop.example';
  expect(chosen({ host }, anonymous, url)).toBe(graph);
});

it.each([
  [{ host: 'shop.example' }],
  [{ host: 'partners.shop.example.evil' }],
  [{ host: 'partners.shop.example..' }],
  [{ host: '.' }],
  [{ host: '' }],
  [{}],
])('chooses the default graph by the host of %j', (headers) => {
  expect(chosen(headers)).toBe('shop@prod');
});

it('chooses by an address, with and without a port', () => {
  expect(chosen({ host: '[2001:db8::1]' })).toBe('shop@address');
  expect(chosen({ host: '[2001:DB8::1]:8443' })).toBe('shop@address');
});

it.each([
  ['a', 'shop@t-a'],
  [undefined, 'shop@prod'],
  ['', 'GRAPH_FORBIDDEN'],
  ['a/b', 'GRAPH_FORBIDDEN'],
  ['*', 'GRAPH_FORBIDDEN'],
  ['a@b', 'GRAPH_FORBIDDEN'],
  ['$&', 'GRAPH_FORBIDDEN'],
  [7, 'GRAPH_FORBIDDEN'],
  [null, 'GRAPH_FORBIDDEN'],
  [['a'], 'GRAPH_FORBIDDEN'],
])('chooses by the claim %j', (tenant, graph) => {
  expect(chosen({}, caller({ claims: tenant === undefined ? {} : { tenant } }))).toBe(graph);
});

it('lets use a graph only who meets all of an entry', () => {
  const headers = { 'x-weir-graph': 'pr-7' };
  expect(chosen(headers, caller({ groups: ['staff'] }))).toBe('shop@pr-7');
  expect(chosen(headers, caller({ groups: ['staff'], client: 'ios' }))).toBe('UNKNOWN_GRAPH');
  expect(chosen(headers, caller({ groups: ['sales'] }))).toBe('GRAPH_FORBIDDEN');
  expect(chosen({ host: 'partners.shop.example' }, caller({}))).toBe('UNKNOWN_GRAPH');
  // Whoever may choose may choose the default graph.
  expect(chosen({ 'x-weir-graph': 'prod' }, caller({ groups: ['staff'] }))).toBe('shop@prod');
});
