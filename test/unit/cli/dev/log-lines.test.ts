import { readableLine } from '../../../../cli/dev/log-lines';

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
    ['plain text', 'plain text'],
    ['{"no":"level"}', '{"no":"level"}'],
    ['{broken', '{broken'],
  ])('reads %s', (line, readable) => {
    expect(readableLine(line)).toBe(readable);
  });
});
