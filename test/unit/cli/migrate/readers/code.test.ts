import { Code, type ForeignMap } from '../../../../../cli/migrate/foreign';
import { type CodeNames, readCode } from '../../../../../cli/migrate/readers/code';

const names: CodeNames = {
  exported: 'gatewayConfig',
  factories: new Set(['keysFrom']),
  returning: new Set(['headers']),
  statements: new Set(['setUp']),
};

const read = (text: string): ForeignMap => readCode('gateway.config.ts', text, names).value;

const plain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each)]));
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Code ? { code: value.text, ...value.header } : value;
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
  'response.headers.entries()',
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
    names,
  );
  expect([lineOf(['a']), lineOf(['a', 'b']), lineOf(['a', 'b', '0', 'c'])]).toEqual([2, 3, 4]);
});

it.each([
  ['export const gatewayConfig = {', /^this is not valid TypeScript: /],
  ['export const other = {};', /^this has no `gatewayConfig` that is written as an object/],
  ['export const gatewayConfig = make();', /^this has no `gatewayConfig` that is written as an object/],
  ['', /^this has no `gatewayConfig`/],
])('refuses %j', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

it.each([
  ['request.headers.get("x-a")', { name: 'x-a' }],
  ['request?.headers?.get("x-a")!', { name: 'x-a' }],
  ['headers.get("x-a") ?? ""', { name: 'x-a' }],
  ['headers.get("x-a") ?? undefined', { name: 'x-a' }],
  ['context.headers["x-a"] || 1', { name: 'x-a', otherwise: '1' }],
  ['headers.get("x-a") && "b"', {}],
  ['headers.get("x-a") ?? headers.get("x-b")', {}],
  ['headers.get(name)', {}],
  ['headers.get("x-a").trim()', {}],
])('knows the header that %s reads', (expression, header) => {
  const { code, ...read } = valueOf(expression) as { readonly code: string };
  expect(read).toEqual(header);
});

it('reads the object that a function returns, with constants in front of it', () => {
  expect(valueOf('{ headers() { const x = 1; return { x, ...named }; }, other() { return {}; } }')).toEqual({
    headers: { x: 1, deep: [1] },
    other: { code: 'other() { return {}; }' },
  });
  expect(valueOf('{ headers: () => { run(); return { x: 1 }; } }')).toEqual({
    headers: { x: { code: 'x: 1' } },
  });
  expect(valueOf('{ headers: () => make() }')).toEqual({ headers: { code: '() => make()' } });
});

it('reads statements beside what is exported', () => {
  const { value, lineOf } = readCode(
    'a.ts',
    'setUp({ a: 1 });\nother({ b: 1 });\nexport const gatewayConfig = { c: 1 };',
    names,
  );
  expect(plain(value)).toEqual({ c: 1, setUp: { a: 1 } });
  expect(lineOf(['setUp'])).toBe(1);
});
