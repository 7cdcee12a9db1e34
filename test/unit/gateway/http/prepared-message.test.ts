import { PreparedMessage } from '../../../../gateway/http/prepared-message';

const start = Date.UTC(2026, 10, 25, 12, 0, 0, 300);
const message = (age = 8) => new PreparedMessage(['etag', 'W/"1"'], Buffer.from('{"data":1}'), age, start);
const first = 'HTTP/1.1 200 OK\r\nx-request-id: 1\r\n';
const at = (seconds: number) => start + seconds * 1000;

it('is the first lines, what is always the same, the time, and the body', () => {
  expect(message().write(first, 8, start)!.toString()).toBe(
    [
      'HTTP/1.1 200 OK',
      'x-request-id: 1',
      'etag: W/"1"',
      'date: Wed, 25 Nov 2026 12:00:00 GMT',
      'age: 8',
      '',
      '{"data":1}',
    ].join('\r\n'),
  );
});

it('tells the time of each second', () => {
  const one = message();
  one.write(first, 8, start);
  expect(one.write(first, 9, at(1))!.toString()).toContain(
    'date: Wed, 25 Nov 2026 12:00:01 GMT\r\nage: 9\r\n',
  );
});

it('tells an age that changes within a second', () => {
  expect(message().write(first, 9, at(0.5))!.toString()).toContain('12:00:00 GMT\r\nage: 9\r\n');
});

it('is of no use any more when the age has outgrown its place', () => {
  expect(message(9).write(first, 10, at(1))).toBeUndefined();
  expect(message(10).write(first, 10, start)!.toString()).toContain('age: 10\r\n\r\n{');
});

it('has other first lines each time, longer ones and shorter ones', () => {
  const one = message();
  for (const id of ['1', 'a'.repeat(128), '22']) {
    const text = one.write(`HTTP/1.1 200 OK\r\nx-request-id: ${id}\r\n`, 8, start)!.toString();
    expect(text).toMatch(new RegExp(`^HTTP/1.1 200 OK\r\nx-request-id: ${id}\r\netag: `));
  }
});

it('says when the first lines are too long', () => {
  expect(message().write('x'.repeat(1025), 8, start)).toBeUndefined();
});
