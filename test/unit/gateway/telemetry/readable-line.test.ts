import { readableLine } from '../../../../gateway/telemetry/readable-line';

describe('readableLine', () => {
  it.each([
    ['{"level":40,"time":1,"pid":2,"hostname":"h","name":"reviews","msg":"slow","ms":12}', 'warn slow ms=12'],
    ['{"level":"error","msg":"no luck","requestId":"a b"}', 'error no luck requestId="a b"'],
    [
      '{"level":50,"msg":"failed","err":{"message":"because","stack":"Error: because\\n    at x"}}',
      'error failed \nError: because\n    at x',
    ],
    ['{"level":50,"err":{"message":"because"},"msg":"because"}', 'error because'],
    ['{"level":40,"msg":"odd","err":{"message":"because","stack":"x"}}', 'warn odd (because)'],
    ['{"level":30,"msg":"request","codes":["A","B"],"client":""}', 'info request codes=["A","B"] client=""'],
    [
      '{"level":"debug","plan":"QueryPlan {\\n  Fetch\\n}","msg":"planned","ms":2}',
      'debug planned ms=2 \n    QueryPlan {\n      Fetch\n    }',
    ],
    ['plain text', 'plain text'],
    ['{"no":"level"}', '{"no":"level"}'],
    ['{broken', '{broken'],
  ])('reads %s', (line, readable) => {
    expect(readableLine(line)).toBe(readable);
  });

  it('begins with the time and colours the level where it is asked to', () => {
    const line = '{"level":"warn","time":"2026-11-26T12:04:05.678Z","msg":"slow"}';
    expect(readableLine(line, { time: true, colours: true })).toBe(
      '12:04:05.678 \u001b[33mwarn\u001b[39m slow',
    );
  });

  const evil = '\u001b[2J\r\n\u0007\u007f\u009b31m\u2028\u2029\u202e\u2066x';
  it.each([
    ['the message', { msg: evil }],
    ['a value', { evil }],
    ['a value within another', { of: [{ evil }] }],
    ['a name', { [evil]: 1 }],
    ['a level', { level: evil }],
    ['the message of an error', { err: { message: evil } }],
    ['a stack', { level: 'error', err: { stack: evil.replace('\n', '') } }],
    ['a plan', { plan: evil.replace('\n', '') }],
  ])('keeps control characters of %s from the terminal', (_, facts) => {
    const told = readableLine(JSON.stringify({ level: 'warn', msg: 'm', ...facts }), { time: true });
    // A line break stands only before a stack or a plan.
    expect(told.replace(/ \n/, ' ')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
    expect(told).toContain('\\u001b[2J\\r');
  });
});
