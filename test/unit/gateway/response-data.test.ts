import { lazyData, stringifyResult } from '../../../gateway/response-data';

const bytes = Buffer.from('{"id": 12345678901234567890, "user":{"name":"Ada"}}');
const text = (result: object): string => stringifyResult(result).toString();

describe('lazyData', () => {
  it('shows ordinary data to whoever reads it', () => {
    const data = lazyData(bytes);
    expect(data['user']).toEqual({ name: 'Ada' });
    expect(Object.keys(data)).toEqual(['id', 'user']);
    expect('user' in data).toBe(true);
    expect(JSON.parse(JSON.stringify(data))).toEqual(JSON.parse(bytes.toString()));
    expect({ ...data }).toEqual(JSON.parse(bytes.toString()));
  });

  it('keeps own keys named like members of Object.prototype', () => {
    const data = lazyData(Buffer.from('{"__proto__":1,"constructor":2}'));
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['constructor']).toBe(Object);
  });
});

describe('stringifyResult', () => {
  it('hands the bytes through when nobody looked', () => {
    expect(text({ data: lazyData(bytes) })).toBe(`{"data":${bytes.toString()}}`);
  });

  it('hands the whole response through when nothing was added to it', () => {
    const response = Buffer.from(`{"data":${bytes.toString()}}`);
    expect(stringifyResult({ data: lazyData(bytes, response) })).toBe(response);
    expect(text({ data: lazyData(bytes, response), extensions: { took: 3 } })).toContain('"took":3');
    expect(text({ data: lazyData(bytes, response), errors: [{ message: 'no' }] })).toContain(
      '"message":"no"',
    );
  });

  it('hands the bytes through after the result was spread and read', () => {
    const result = { ...{ data: lazyData(bytes), errors: undefined } };
    expect(result.data['user']).toBeDefined();
    expect(text(result)).toBe(`{"data":${bytes.toString()}}`);
  });

  it('puts errors before and extensions behind the data', () => {
    const result = {
      data: lazyData(Buffer.from('{"a":1}')),
      errors: [{ message: 'no' }],
      extensions: { took: 3 },
    };
    expect(text(result)).toBe('{"errors":[{"message":"no"}],"data":{"a":1},"extensions":{"took":3}}');
  });

  it('writes what a plugin changed', () => {
    const data = lazyData(bytes);
    (data['user'] as { name: string }).name = 'Grace';
    data['added'] = true;
    delete data['id'];
    Object.defineProperty(data, 'defined', { value: 1, enumerable: true });
    expect(JSON.parse(text({ data }))).toEqual({
      data: { user: { name: 'Grace' }, added: true, defined: 1 },
    });
  });

  it('writes ordinary results as JSON.stringify does', () => {
    expect(text({ data: null, errors: [{ message: 'no' }] })).toBe(
      '{"errors":[{"message":"no"}],"data":null}',
    );
    expect(text({ errors: [] })).toBe('{"errors":[]}');
  });
});
