/** Over 300 lines: each style of parameters and bodies. */
import fc from 'fast-check';
import { type ExactJson, exactNumber, exactString } from '../../../../../../gateway/replay/exact-json';
import type { HttpRequest } from '../../../../../../gateway/subgraph-calls/contract/transport';
import { compileRequest } from '../../../../../../gateway/subgraph-calls/sources/rest/compile-request';
import { restUrl } from '../../../../../../gateway/subgraph-calls/wire/rest-request';
import { readSourceSchema } from '../../../../../../schema/supergraph/sources/source-schema';

interface Described {
  readonly method?: string;
  readonly path?: string;
  readonly parameters?: string;
  readonly body?: string;
  readonly type?: string;
}

/** What is sent for the argument `a`. */
function compile({ method = 'GET', path = '/x', parameters = '', body, type = 'String' }: Described) {
  const sent = body === undefined ? '' : `body: { argument: "a", ${body} }`;
  const schema = readSourceSchema(`
    scalar JSON scalar Long
    input Point { x: Int y: Int @json(name: "y-axis") tags: [String] at: Point }
    enum Kind { CAT BIG_DOG @json(name: "big,dog") }
    type Query { f(a: ${type} b: String c: Int = 7): String @http(method: "${method}", path: "${path}", parameters: [${parameters}] ${sent}) }
  `);
  const request = compileRequest(schema.types.get('Query')!.fields.get('f')!, schema);
  return (a: ExactJson | undefined, more: Record<string, ExactJson> = {}): HttpRequest =>
    request({ ...(a !== undefined && { a }), ...more });
}

const parameter = (more: string) => `{ argument: "a", name: "n" ${more} }`;
const inPath = (more = '') =>
  compile({ path: '/x/{n}', type: 'JSON', parameters: parameter(`in: "path" ${more}`) });
const inQuery = (more = '', type = 'JSON') => compile({ type, parameters: parameter(`in: "query" ${more}`) });

/** Without halves of surrogate pairs. */
const text = fc.string({ unit: 'binary' });
const hostile = fc.oneof(
  text,
  fc
    .array(
      fc.constantFrom(
        '.',
        '/',
        '\\',
        '%',
        '2e',
        '2F',
        '?',
        '#',
        '&',
        '=',
        '+',
        ';',
        ',',
        '\r\n',
        ' ',
        '@',
        ':',
        'ä',
      ),
    )
    .map((parts) => parts.join('')),
);
const exactly = (value: Record<string, string>) =>
  Object.fromEntries(Object.entries(value).map(([name, each]) => [name, exactString(each)]));
/** Whether a segment is made of dots alone, for some server. */
const isDots = (segment: string) =>
  segment.split(/[/\\;]|%2f|%5c|%3b/i).some((each) => /^(?:\.|%2e){1,2}$/i.test(each));
const base = new URL('http://pets.example/v1');

describe('a path parameter', () => {
  it('is decoded by the server as it was given, in its segment, or refused', () => {
    const toRequest = compile({
      path: '/x/{n}/y{m}.json',
      parameters: '{ argument: "a", name: "n", in: "path" } { argument: "b", name: "m", in: "path" }',
    });
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        let request: HttpRequest;
        try {
          request = toRequest(exactString(a), { b: exactString(b) });
        } catch (error) {
          expect([String(error), a === '' || isDots(a) || isDots(`y${b}.json`) || b === '']).toEqual([
            expect.anything(),
            true,
          ]);
          return;
        }
        expect(request.path).toMatch(/^\/[\w.~%/-]*$/);
        expect(request.path.split('/').map(decodeURIComponent)).toEqual(['', 'x', a, `y${b}.json`]);
        const url = restUrl(base, request.path);
        expect(url?.host).toBe('pets.example');
        expect(url?.pathname).toBe(`/v1${request.path}`);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '.%2e',
    '%252e',
    'a/..',
    '..\\a',
    'a/../b',
    '..%2fa',
    '..;a',
    'a%5c..',
  ])('is refused: %s', (value) => {
    expect(() => inPath()(value)).toThrow('must not be `.` or `..`');
  });

  it.each(['', null, [], undefined])('must not be empty: %j', (value) => {
    expect(() => inPath()(value)).toThrow('must not be empty');
  });

  it('cannot make a dot segment together with another one', () => {
    const toRequest = compile({
      path: '/x/{n}{m}',
      parameters: '{ argument: "a", name: "n", in: "path" } { argument: "b", name: "m", in: "path" }',
    });
    expect(() => toRequest('.', { b: '.' })).toThrow('must not be `.` or `..`');
    expect(toRequest('.', { b: 'a' }).path).toBe('/x/.a');
  });

  const list = ['a', 'b,c', null];
  const object = { x: 1, y: 'a=b' };
  it.each([
    ['', 3, '/x/3'],
    ['', list, '/x/a,b%2Cc'],
    ['', object, '/x/x,1,y,a%3Db'],
    ['explode: true', object, '/x/x=1,y=a%3Db'],
    ['style: "label"', 'a', '/x/.a'],
    ['style: "label"', list, '/x/.a,b%2Cc'],
    ['style: "label", explode: true', list, '/x/.a.b%2Cc'],
    ['style: "label", explode: true', object, '/x/.x=1.y=a%3Db'],
    ['style: "matrix"', 'a', '/x/;n=a'],
    ['style: "matrix"', list, '/x/;n=a,b%2Cc'],
    ['style: "matrix", explode: true', list, '/x/;n=a;n=b%2Cc'],
    ['style: "matrix", explode: true', object, '/x/;x=1;y=a%3Db'],
    ['style: "matrix"', object, '/x/;n=x,1,y,a%3Db'],
  ])('has a style: { %s } %j', (more, value, expected) => {
    expect(inPath(more)(value).path).toBe(expected);
  });
});

describe('a query parameter', () => {
  it('is decoded by the server as it was given', () => {
    for (const more of ['', 'allowReserved: true'])
      fc.assert(
        fc.property(hostile, fc.array(hostile, { minLength: 1 }), (one, several) => {
          expect([...new URLSearchParams(inQuery(more)(exactString(one)).path.slice(3))]).toEqual([
            ['n', one],
          ]);
          const { path } = inQuery(more)(several.map(exactString));
          expect([...new URLSearchParams(path.slice(path.indexOf('?')))]).toEqual(
            several.map((each) => ['n', each]),
          );
          expect(restUrl(base, path)?.search).toBe(path.slice(2));
        }),
        { numRuns: 500 },
      );
  });

  it('has raw delimiters between the items of a list only', () => {
    const delimiters = { form: ',', spaceDelimited: '%20', pipeDelimited: '%7C' };
    for (const [style, delimiter] of Object.entries(delimiters))
      fc.assert(
        fc.property(fc.array(hostile, { minLength: 1 }), fc.boolean(), (several, allowReserved) => {
          const { path } = inQuery(
            `style: "${style}", explode: false, allowReserved: ${String(allowReserved)}`,
          )(several.map(exactString));
          const [, value] = path.split('n=') as [string, string];
          if (style === 'form') expect(value.split(delimiter).map(decodeURIComponent)).toEqual(several);
          else expect(decodeURIComponent(value)).toBe(several.join(decodeURIComponent(delimiter)));
        }),
        { numRuns: 300 },
      );
  });

  const object = { x: 1, y: { z: ['a', null, 'b&c'] } };
  it.each([
    ['', object, '/x?x=1&y=%7B%22z%22%3A%5B%22a%22%2Cnull%2C%22b%26c%22%5D%7D'],
    ['explode: false', { x: 1, y: 2 }, '/x?n=x,1,y,2'],
    ['style: "deepObject"', object, '/x?n%5Bx%5D=1&n%5By%5D%5Bz%5D%5B0%5D=a&n%5By%5D%5Bz%5D%5B2%5D=b%26c'],
    ['style: "deepObject"', ['a'], '/x?n%5B0%5D=a'],
    ['style: "deepObject"', 'a', '/x?n=a'],
    ['allowReserved: true', 'a/b:c?d@e#f&g=h+i%j', '/x?n=a/b:c?d@e%23f%26g%3Dh%2Bi%25j'],
    ['', true, '/x?n=true'],
    ['', '', '/x?n='],
    ['', [], '/x'],
    ['', null, '/x'],
    ['', undefined, '/x'],
  ])('has a style: { %s } %j', (more, value, expected) => {
    expect(inQuery(more)(value).path).toBe(expected);
  });

  it('has the digits, enum values and names of the JSON', () => {
    expect(inQuery('', 'Long')(exactNumber('900719925474099312345')).path).toBe('/x?n=900719925474099312345');
    expect(inQuery('', 'Long')('9007199254740993').path).toBe('/x?n=9007199254740993');
    expect(() => inQuery('', 'Long')('1x')).toThrow('`a` of `f`');
    for (const wrong of ['01', '', 1.5, exactNumber('1e3'), true, {}, []])
      expect(() => inQuery('', 'Long')(wrong)).toThrow('no integer');
    expect(inQuery('', 'ID')(exactNumber('7')).path).toBe('/x?n=7');
    expect(inQuery('', 'Kind')('BIG_DOG').path).toBe('/x?n=big%2Cdog');
    expect(() => inQuery('', 'Kind')('big,dog')).toThrow('no value of `Kind`');
    expect(inQuery('', '[Kind!]')('CAT').path).toBe('/x?n=CAT');
    expect(inQuery('style: "deepObject"', 'Point')({ y: 1, at: { y: 2 }, z: 3 }).path).toBe(
      '/x?n%5By-axis%5D=1&n%5Bat%5D%5By-axis%5D=2',
    );
    expect(() => inQuery('', 'Point')('a')).toThrow('cannot be a string');
  });

  it('has the default of its argument', () => {
    const toRequest = compile({ parameters: '{ argument: "c", name: "c", in: "query" }' });
    expect(toRequest(undefined).path).toBe('/x?c=7');
    expect(toRequest(undefined, { c: null }).path).toBe('/x');
  });
});

describe('a header parameter', () => {
  const inHeader = (name = 'X-Color', more = '') =>
    compile({ type: 'JSON', parameters: `{ argument: "a", name: "${name}", in: "header" ${more} }` });

  it.each([
    ['', 'blue', 'blue'],
    ['', 3, '3'],
    ['', ['a', 'b'], 'a,b'],
    ['explode: true', { x: 1, y: 2 }, 'x=1,y=2'],
    ['', { x: 1, y: 2 }, 'x,1,y,2'],
  ])('has a style: { %s } %j', (more, value, expected) => {
    expect(inHeader('X-Color', more)(value).headers).toEqual({ 'x-color': expected });
  });

  it.each(['a\r\nx-b: c', 'a\nb', 'a\0', '\u2028', '日'])('cannot be %j', (value) => {
    expect(() => inHeader()(value)).toThrow('cannot be sent');
  });

  it.each([
    'Authorization',
    'COOKIE',
    'Proxy-Authorization',
    'x-api-key',
    'X-Amz-Security-Token',
    'weir-identity',
  ])('cannot be %s', (name) => {
    expect(() => inHeader(name)('a')).toThrow('has credentials');
  });

  it.each(['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'a b'])(
    'cannot frame a message: %s',
    (name) => {
      expect(() => inHeader(name)('a')).toThrow('cannot be sent');
    },
  );
});

describe('a body', () => {
  it('is JSON with the names of the source', () => {
    const toRequest = compile({
      method: 'POST',
      type: 'Point',
      body: 'mediaType: "application/merge-patch+json"',
    });
    const { headers, body } = toRequest({
      y: 1,
      at: { y: exactNumber('900719925474099312345'), tags: ['ä'] },
    });
    expect(headers).toEqual({ 'content-type': 'application/merge-patch+json' });
    expect(body?.toString()).toBe('{"y-axis":1,"at":{"y-axis":900719925474099312345,"tags":["ä"]}}');
    expect(toRequest(null).body?.toString()).toBe('null');
    expect(toRequest(undefined)).toMatchObject({ headers: {} });
    expect(toRequest(undefined).body).toBeUndefined();
  });

  it('is a form, whose properties have styles', () => {
    const form = 'mediaType: "application/x-www-form-urlencoded"';
    const formOf = (value: ExactJson, encoding = '') =>
      compile({ method: 'POST', type: 'JSON', body: `${form} encoding: [${encoding}]` })(
        value,
      ).body?.toString();
    const value = { a: 'x y&z', b: [1, 2], c: { d: { e: 'f' } }, g: null, h: true };
    expect(formOf(value)).toBe('a=x%20y%26z&b=1&b=2&c=%7B%22d%22%3A%7B%22e%22%3A%22f%22%7D%7D&h=true');
    const deep = ['b', 'c'].map((name) => `{ name: "${name}", style: "deepObject", explode: true }`).join();
    expect(formOf(value, deep)).toBe('a=x%20y%26z&b%5B0%5D=1&b%5B1%5D=2&c%5Bd%5D%5Be%5D=f&h=true');
    expect(formOf(value, '{ name: "b", explode: false }')).toContain('&b=1,2&');
  });

  it('that is a form is decoded by the server as it was given', () => {
    const toRequest = compile({
      method: 'POST',
      type: 'JSON',
      body: 'mediaType: "application/x-www-form-urlencoded"',
    });
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), (value) => {
        expect(Object.fromEntries(new URLSearchParams(toRequest(exactly(value)).body!.toString()))).toEqual({
          ...value,
        });
      }),
    );
  });
});
