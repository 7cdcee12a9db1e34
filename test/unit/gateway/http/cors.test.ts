import { compileCorsHeaders } from '../../../../gateway/http/cors';
import { parseOptions } from '../../../../gateway/options';

const shop = 'https://shop.example';

const headersFor = (mode: 'development' | 'production', origins?: string[]) =>
  compileCorsHeaders(
    parseOptions({ supergraph: 'supergraph.graphql', mode, ...(origins && { cors: { origins } }) }),
  );

describe('the headers for pages of other origins', () => {
  it('are one array for a listed origin, by which a prepared answer is found again', () => {
    const headers = headersFor('production', [shop, 'https://staff.example']);
    expect(headers(shop)).toEqual(expect.arrayContaining(['access-control-allow-origin', shop]));
    expect(headers(shop)).toBe(headers(shop));
    expect(headers('https://staff.example')).not.toBe(headers(shop));
  });

  it('allow no origin that is not listed', () => {
    const headers = headersFor('production', [shop]);
    for (const origin of ['https://shop.example.evil', 'http://localhost:3000', undefined]) {
      expect(headers(origin)).not.toContain('access-control-allow-origin');
      expect(headers(origin)).toContain('vary');
    }
  });

  it('allow one label in place of *, and nothing else', () => {
    const headers = headersFor('production', ['https://*.shop.example', 'https://*.staff.example:8443']);
    for (const origin of [
      'https://a.shop.example',
      'https://b-2.shop.example',
      'https://a.staff.example:8443',
    ])
      expect(headers(origin)).toEqual(expect.arrayContaining(['access-control-allow-origin', origin]));
    for (const origin of [
      ...['https://evil-shop.example', 'https://a.shop.example.evil.com', 'null', 'https://shop.example'],
      ...[
        'https://a.b.shop.example',
        'https://.shop.example',
        'http://a.shop.example',
        'https://*.shop.example',
      ],
      ...[
        'https://a.shop.example:8443',
        'https://a.staff.example',
        'https://A.SHOP.EXAMPLE',
        'HTTPS://a.shop.example',
      ],
      ...['https://evil.com/.shop.example', 'https://evil.com#.shop.example', 'https://u@a.shop.example'],
      'https://evil.com:1.shop.example',
    ])
      expect([origin, headers(origin).includes('access-control-allow-origin')]).toEqual([origin, false]);
  });

  it.each([
    ...[
      'https://*',
      'https://*:443',
      'https://*shop.example',
      'https://a*.shop.example',
      'https://*.*.example',
    ],
    ...[
      '*.shop.example',
      'https://shop.*',
      'https://shop.example:*',
      '*://shop.example',
      'https://*.Shop.example',
    ],
    ...['https://*.shop.example/', 'https://**.shop.example', 'https://*.', 'https://u:*.shop.example'],
  ])('refuse a * that is not one label: %s', (pattern) => {
    expect(() => headersFor('production', [pattern])).toThrow('* may stand for one label of the host');
  });

  it('allow Apollo Sandbox in development, also beside origins that are listed', () => {
    const sandbox = 'https://studio.apollographql.com';
    expect(headersFor('development', [shop])(sandbox)).toContain(sandbox);
    expect(headersFor('development', [shop])('http://localhost:3000')).not.toContain('http://localhost:3000');
    expect(headersFor('production', [shop])(sandbox)).not.toContain(sandbox);
  });

  it('allow pages of the own machine in development', () => {
    expect(headersFor('development')('http://localhost:3000')).toContain('http://localhost:3000');
  });
});
