import { Code, type ForeignMap } from '../../../../../cli/migrate/foreign';
import { readCode } from '../../../../../cli/migrate/readers/code';

const read = (text: string): ForeignMap =>
  readCode('gateway.config.ts', text, 'gatewayConfig', new Set(['keysFrom'])).value;

const plain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Code ? { code: value.text } : value;
};

const valueOf = (expression: string): unknown =>
  plain(
    read(
      `import { b } from 'b';\nconst named = { deep: [1] };\nexport const gatewayConfig = { a: ${expression} };`,
    ).get('a'),
  );

it.each([
  ['export const gatewayConfig = { a: 1 };'],
  ['export const gatewayConfig = defineConfig({ a: 1 });'],
  ['export const gatewayConfig: GatewayConfig<Context> = defineConfig<Context>({ a: 1 } as const);'],
  ['const gatewayConfig = { a: 1 };\nexport { gatewayConfig };'],
  ['export default defineConfig({ a: 1 })'],
  ['const config = { a: 1 } satisfies Config; export default config;'],
  ['module.exports = { a: 1 };'],
  ['module.exports.gatewayConfig = { a: 1 };'],
  ['exports.gatewayConfig = { a: 1 };'],
  ['#!/usr/bin/env node\nthrow new Error("never run");\nexport const gatewayConfig = { a: 1 };'],
])('reads %j', (text) => {
  expect(plain(read(text))).toEqual({ a: 1 });
});

it.each([
  ['"a ${b}"', 'a $${b}'],
  ['`a-${"b"}-${1 + 1}`', 'a-b-2'],
  ['60 * 1000', 60_000],
  ['-1', -1],
  ['[1, "b", true, null]', [1, 'b', true, null]],
  ['named', { deep: [1] }],
  ['{ ...named, more: 2 }', { deep: [1], more: 2 }],
  ['process.env.NAME', '${NAME}'],
  ['process.env["NAME"]!', '${NAME}'],
  ['process.env.NAME ?? "b"', '${NAME:-b}'],
  ['Number(process.env.NAME || 4000)', '${NAME:-4000}'],
  ['`https://${process.env.HOST}/a`', 'https://${HOST}/a'],
  ['keysFrom({ url: "u" })', { keysFrom: { url: 'u' } }],
])('reads %s', (expression, value) => {
  expect(valueOf(expression)).toEqual(value);
});

it.each([
  'b',
  'b()',
  'fetch("https://a.test")',
  '(context) => context.x',
  'new Agent()',
  '/x/',
  'process.env.NODE_ENV === "production"',
  'process.env.A ? 1 : 2',
  'process.env.A ?? "}"',
  'named.deep',
  'await b',
  'require("fs").readFileSync("a")',
])('leaves %s as code, and runs none of it', (expression) => {
  expect(valueOf(expression)).toEqual({ code: expression });
});

it('leaves methods, getters, computed keys and unknown spreads as code', () => {
  expect(valueOf('{ m() { return 1 }, get g() { return 2 }, [b]: 3, ...b }')).toEqual({
    m: { code: 'm() { return 1 }' },
    g: { code: 'get g() { return 2 }' },
    '[b]': 3,
    '...b': { code: '...b' },
  });
});

it('bounds constants that name one another', () => {
  expect(plain(read('const a = b; const b = a; export const gatewayConfig = { a };'))).toMatchObject({
    a: { code: expect.any(String) },
  });
});

it('knows the lines of keys', () => {
  const { lineOf } = readCode(
    'a.ts',
    'export const gatewayConfig = {\n  a: {\n    b: [\n      { c: 1 },\n    ],\n  },\n};',
    'gatewayConfig',
    new Set(),
  );
  expect([lineOf(['a']), lineOf(['a', 'b']), lineOf(['a', 'b', '0', 'c'])]).toEqual([2, 3, 4]);
});

it.each([
  ['export const gatewayConfig = {', /^this is not valid TypeScript: /],
  ['export const other = {};', /^has no `gatewayConfig` that is written as an object/],
  ['export const gatewayConfig = make();', /^has no `gatewayConfig` that is written as an object/],
  ['', /^has no `gatewayConfig`/],
])('refuses %j', (text, message) => {
  expect(() => read(text)).toThrow(message);
});
