import { type ReplayRequest, requestsOf } from '../../../../cli/replay/requests';
import { heapUsed } from '../../../support/heap';

/** What is sent of a piece of JSON, or why it is not. */
const of = (piece: unknown): unknown[] =>
  requestsOf({ text: typeof piece === 'string' ? piece : JSON.stringify(piece) }).map((request) =>
    typeof request === 'string'
      ? request
      : (request.body ?? decodeURIComponent(request.search!.replaceAll('+', ' '))),
  );

const query = 'query A($id: ID) { a(id: $id) }';
const post = (text: string | undefined, more: object = {}) => ({
  ...{ method: 'POST', url: 'http://a.test/', headers: [], postData: { mimeType: 'application/json', text } },
  ...more,
});

describe('a line', () => {
  it('is an operation with its variables as they are written', () => {
    expect(
      of(`{"query":"{ a }","variables":{"a":1.0,"b":12345678901234567890},"operationName":null,"more":1}`),
    ).toEqual(['{"query":"{ a }","operationName":null,"variables":{"a":1.0,"b":12345678901234567890}}']);
  });

  it('may be known by a hash or an id alone, which is sent by GET', () => {
    const persistedQuery = { version: 1, sha256Hash: 'abc' };
    const search =
      '?operationName=A&variables={"id":"1"}&extensions={"persistedQuery":{"version":1,"sha256Hash":"abc"}}';
    const rest = { operationName: 'A', variables: { id: '1' } };
    expect(of({ ...rest, extensions: { persistedQuery, other: 1 } })).toEqual([search]);
    expect(of({ ...rest, hash: 'abc' })).toEqual([search]);
    expect(of({ id: 'abc' })).toEqual(['?id=abc']);
    expect(requestsOf({ text: '{"hash":"abc","operationName":"A"}' })).toMatchObject([
      { operation: { hash: 'abc', name: 'A' } },
    ]);
  });

  it('with text and hash is sent with both', () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: 'abc' } };
    expect(of({ query: '{ a }', extensions })).toEqual([JSON.stringify({ query: '{ a }', extensions })]);
  });

  it('may hold several', () => {
    expect(of([{ query: '{ a }' }, { query: 'mutation { a }' }])).toEqual(['{"query":"{ a }"}', 'mutation']);
  });

  it.each([
    [{ query: 'mutation { a }' }, 'mutation'],
    [{ query: 'subscription { a }' }, 'subscription'],
    [{ query: 'query A { a } mutation B { b }', operationName: 'B' }, 'mutation'],
    [{ query: 'query A { a } query B { b }' }, 'unreadable'],
    [{ query: 'query A { a }', operationName: 'B' }, 'unreadable'],
    [{ query: '{ a' }, 'unreadable'],
    [{ query: `{${'a{'.repeat(20_000)}` }, 'unreadable'],
    [{ name: 'x' }, 'notGraphql'],
    [{ query: '' }, 'notGraphql'],
    ['"text"', 'notGraphql'],
    ['1', 'notGraphql'],
    [`{"query":"{ a }","variables":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`, 'unreadable'],
  ])('%j is left out: %s', (piece, reason) => {
    expect(of(piece)).toEqual([reason]);
  });

  it('too long is left out', () => {
    expect(requestsOf({ text: undefined })).toEqual(['tooLarge']);
  });

  it('has the signature of its operation, without any value', () => {
    const text = '{"query":"query A { x: a(id: \\"S3CRET\\", in: { b: 42, c: [S3CRET] }) }"}';
    const [request] = requestsOf({ text });
    expect(request).toMatchObject({ operation: { name: 'A', text: 'query A{_1:a(id:"" in:{})}' } });
  });
});

describe('a request of a HAR', () => {
  it('is taken from a body, a batch or a URL, with its headers', () => {
    expect(of(post(JSON.stringify({ query })))).toEqual([JSON.stringify({ query })]);
    expect(of(post(JSON.stringify([{ query }, { query }])))).toHaveLength(2);
    const url = `http://a.test/?${new URLSearchParams({ query, variables: '{"id":1.0}' }).toString()}`;
    expect(of({ method: 'GET', url })).toEqual([`{"query":${JSON.stringify(query)},"variables":{"id":1.0}}`]);
    const headers = [{ name: 'Cookie', value: 'a=b' }, { name: 1 }, null];
    expect(requestsOf({ text: JSON.stringify(post(JSON.stringify({ query }), { headers })) })).toMatchObject([
      { headers: new Map([['cookie', 'a=b']]) },
    ]);
  });

  it.each([
    [post('{"query":"mutation { a }"}'), 'mutation'],
    [post('{"query":"shoes"}'), 'notGraphql'],
    [post('{"events":[]}'), 'notGraphql'],
    [post('a=b'), 'notGraphql'],
    [post(undefined), 'notGraphql'],
    [{ method: 'GET', url: 'http://a.test/search?query=shoes' }, 'notGraphql'],
    [{ method: 'GET', url: 'no URL' }, 'notGraphql'],
    [{ method: 'OPTIONS', url: 'http://a.test/' }, 'notGraphql'],
    [post(undefined, { postData: { mimeType: 'multipart/form-data; boundary=x' } }), 'upload'],
    [
      post(undefined, {
        headers: [{ name: 'Content-Type', value: 'multipart/form-data; boundary=x' }],
        postData: undefined,
      }),
      'upload',
    ],
  ])('%j is left out: %s', (request, reason) => {
    expect(of(request)).toEqual([reason]);
  });
});

describe('a request that the console has recorded', () => {
  const record = (text: string, more: object = {}) => ({
    ...{ id: '1', operation: { id: 'x', name: 'A', type: 'query' }, document: { text, parts: [] } },
    ...more,
  });

  it('is sent with its values', () => {
    expect(of(record(query, { variables: { id: '1' } }))).toEqual([
      JSON.stringify({ query, operationName: 'A', variables: { id: '1' } }),
    ]);
    expect(of(record('query A { a }'))).toEqual([
      '{"query":"query A { a }","operationName":"A","variables":null}',
    ]);
  });

  it('is left out without them', () => {
    expect(of(record(query))).toEqual(['withoutValues']);
    expect(of(record('query A { a(id: …) }'))).toEqual(['withoutValues']);
    expect(of(record('mutation A { a(id: …) }', { operation: { name: 'A', type: 'mutation' } }))).toEqual([
      'mutation',
    ]);
  });
});

it('holds the beginning alone of long operations, names and ids', async () => {
  const before = await heapUsed();
  const operations = Array.from({ length: 100 }, (_, i) => {
    const long = `n${i}_`.padEnd(300_000, 'x');
    return [
      { query: `query ${long} { a(b: "${long}") ${long} }` },
      { documentId: long, operationName: long },
    ].map((each) => (requestsOf({ text: JSON.stringify(each) })[0] as ReplayRequest).operation);
  }).flat();
  expect(operations.every(({ hash, text = '' }) => hash.length <= 200 && text.length <= 2000)).toBe(true);
  expect((await heapUsed()) - before).toBeLessThan(40_000_000);
});
