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

  it('allow pages of the own machine in development', () => {
    expect(headersFor('development')('http://localhost:3000')).toContain('http://localhost:3000');
  });
});
