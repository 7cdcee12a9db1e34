/** `--format json` of the commands in cli/: what is on stdout, and nothing else, for programs. docs/commands.md has the shapes. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { composeSupergraph } from '../../../schema';
import { startCli } from '../../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-formats-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = {
  WEIR_REGISTRY: join(folder, 'registry'),
  WEIR_GRAPH: 'shop@prod',
  WEIR_FORMAT: 'json',
  GITHUB_ACTOR: 'ana',
  GITHUB_SHA: 'c0ffee',
};
const url = ['--routing-url', 'http://a.test/graphql'];

const position = { line: z.number(), column: z.number() };
const problem = z.strictObject({
  level: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  locations: z.array(
    z.looseObject({ subgraph: z.string().optional(), file: z.string(), line: z.number().optional() }),
  ),
});
const version = z.looseObject({
  number: z.number(),
  kind: z.enum(['published', 'rolled-back', 'rejected', 'ended']),
  at: z.iso.datetime(),
  by: z.string(),
  commit: z.string().optional(),
  changes: z.record(z.string(), z.string()),
  subgraphs: z.record(z.string(), z.looseObject({ routingUrl: z.string(), since: z.number() })),
});
const change = z.looseObject({
  severity: z.enum(['breaking', 'dangerous', 'safe']),
  code: z.string(),
  message: z.string(),
  coordinate: z.string().optional(),
});

describe('--format json', () => {
  it('of publish, history, diff, check, rollback and status', async () => {
    const published = z.looseObject({ outcome: z.enum(['published', 'unchanged', 'rejected']), version });
    const first = file('a.graphql', 'type Query { x: Int, y: Int }');
    const less = file('less.graphql', 'type Query { x: Int }');
    const wrong = file('wrong.graphql', 'type Query { x: Nowhere }');
    expect(await shape(published, 'publish', 'a', '--schema', first, ...url)).toMatchObject({
      outcome: 'published',
    });

    const diff = z.strictObject({ from: version.nullable(), to: version, changes: z.array(change) });
    expect(await shape(diff, 'diff')).toMatchObject({ from: null, to: { number: 1 }, changes: [] });

    expect((await run('diff', '--format', 'text')).stdout).toMatch(
      /\nThis is the first version of shop@prod that ran: there is none before it to compare with\.\n$/,
    );

    const checked = z.strictObject({
      passed: z.boolean(),
      errors: z.array(problem),
      hints: z.array(problem),
      changes: z.array(change.extend({ verdict: z.string() })),
      usage: z.looseObject({}).nullable(),
      lint: z.array(problem),
      tools: z.array(z.looseObject({})),
      plans: z.array(z.looseObject({})),
      contracts: z.record(z.string(), z.looseObject({ passed: z.boolean() })),
    });
    expect(await shapeOf(1, checked, 'check', 'a', '--schema', less)).toMatchObject({
      passed: false,
      changes: [{ code: 'FIELD_REMOVED', coordinate: 'Query.y', verdict: 'fails' }],
    });
    expect(await shapeOf(1, checked, 'check', 'a', '--schema', wrong)).toMatchObject({
      errors: [{ code: 'INVALID_GRAPHQL', locations: [{ file: wrong, line: 1 }] }],
    });

    await shapeOf(0, published, 'publish', 'a', '--schema', less);
    expect(await shape(diff, 'diff')).toMatchObject({
      from: { number: 1 },
      changes: [{ severity: 'breaking' }],
    });
    expect(await shape(z.array(version), 'history')).toHaveLength(2);
    await shape(version.extend({ errors: z.array(problem) }), 'history', '2');
    const rejected = published.extend({ errors: z.array(problem) });
    expect(await shapeOf(1, rejected, 'publish', 'a', '--schema', wrong)).toMatchObject({
      outcome: 'rejected',
    });
    await shape(published, 'rollback', 'a');
    const event = z.looseObject({ version: z.number(), at: z.string() });
    const webhook = z.strictObject({
      ...{ name: z.string(), origin: z.string().nullable(), waiting: z.number(), oldest: event.nullable() },
      ...{ retryAt: z.string().nullable(), delivery: event.optional(), failure: event.optional() },
    });
    const status = z.strictObject({
      newest: version,
      gateways: z.array(z.looseObject({ id: z.string() })),
      webhooks: z.array(webhook),
    });
    expect(await shape(status, 'status')).toMatchObject({ gateways: [], webhooks: [] });
  });

  it('of previews, their end, and all variants', async () => {
    const own = ['--registry', join(folder, 'previews')];
    const graph = ['--graph', 'shop@pr-7'];
    const first = ['publish', 'a', '--schema', file('p.graphql', 'type Query { x: Int }')];
    expect(JSON.parse((await run(...first, ...url, ...own)).stdout)).toMatchObject({ outcome: 'published' });
    const published = await run(...first, ...graph, '--from', 'shop@prod', ...own);
    const preview = z.strictObject({
      ...{ from: z.literal('shop@prod'), version: z.literal(1), own: z.tuple([z.literal('a')]) },
      ...{ since: z.iso.datetime(), expires: z.iso.datetime() },
    });
    z.looseObject({ version: version.extend({ preview }) }).parse(JSON.parse(published.stdout));
    const listed = z.strictObject({
      variants: z.array(
        z.strictObject({ graph: z.string(), newest: version, gateways: z.array(z.unknown()) }),
      ),
    });
    const { variants } = listed.parse(JSON.parse((await run('status', '--graph', 'shop', ...own)).stdout));
    expect(variants.map(({ graph }) => graph)).toEqual(['shop@pr-7', 'shop@prod']);
    for (const outcome of ['ended', 'unchanged'])
      expect(JSON.parse((await run('publish', ...graph, '--expires', 'now', ...own)).stdout)).toEqual({
        outcome,
      });
  });

  it('of compose, whether it composes or not', async () => {
    const config = file(
      'supergraph.yaml',
      'subgraphs: { a: { routing_url: http://a.test, schema: { file: b.graphql } } }',
    );
    file('b.graphql', 'type Query { x: Int }');
    await shape(z.strictObject({ supergraphSdl: z.string(), hints: z.array(problem) }), 'compose', config);
    file('b.graphql', 'type Query { x: Nowhere }');
    const errors = z.strictObject({ errors: z.array(problem).min(1) });
    await shapeOf(1, errors, 'compose', config);
    await shapeOf(2, errors, 'compose', join(folder, 'none.yaml'));
  });

  it('of source, with and without what it proposes', async () => {
    file('users.graphql', 'type Query { user(id: ID!): User } type User { id: ID! }');
    file('users.join.graphql', 'type User @tag(name: "x")');
    const config = file(
      'sources.yaml',
      'subgraphs: { users: { routing_url: http://a.test, schema: { file: users.graphql }, overlay: users.join.graphql } }',
    );
    const described = z.strictObject({
      ...{ name: z.literal('users'), sdl: z.string(), types: z.literal(2), fields: z.literal(2) },
      notes: z.array(z.strictObject({ message: z.string(), coordinates: z.array(z.string()) })),
      suggestions: z.array(z.strictObject({ coordinate: z.string(), overlay: z.string() })),
    });
    expect(await shape(described, 'source', 'users', '--config', config)).toMatchObject({ suggestions: [] });
    expect(await shape(described, 'source', 'users', '--config', config, '--suggest')).toMatchObject({
      suggestions: [
        { coordinate: 'Query.user', overlay: 'extend type Query { user(id: ID!): User @lookup }' },
      ],
    });
    expect((await run('source', 'users', '--config', config, '--format', 'text')).stdout).toContain(
      'type User @tag(name: "x") {',
    );
    const text = await run('source', 'users', '--config', config, '--format', 'text', '--suggest');
    expect(text.stdout).toBe('extend type Query { user(id: ID!): User @lookup }\n');
    expect(text.stderr).toBe('weir: lines for the overlay of users: 1. Keep those that are right.\n');
    file('users.join.graphql', 'type Usr @tag(name: "x")');
    const wrong = await run('source', 'users', '--config', config);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('users.join.graphql:1:6')]);
  });

  it('of explain, for an operation that is valid and one that is not', async () => {
    const sdl = 'type Query { x: Int }';
    const { supergraphSdl } = composeSupergraph({
      subgraphs: [{ name: 'a', routingUrl: 'http://a.test', sdl, file: 'a.graphql' }],
    });
    const supergraph = ['--supergraph', file('supergraph.graphql', supergraphSdl!)];
    const explained = z.strictObject({
      plan: z.string(),
      calls: z.array(
        z.strictObject({
          subgraph: z.string(),
          kind: z.enum(['root', 'entities', 'mutation']),
          step: z.number(),
          needs: z.array(z.number()),
          fetches: z.array(z.strictObject({ asks: z.array(z.string()), path: z.string() })),
        }),
      ),
      subgraphs: z.array(z.strictObject({ name: z.string(), shared: z.string(), kept: z.string() })),
      answer: z.string(),
    });
    const valid = ['explain', '--query', file('valid.graphql', '{ x }'), ...supergraph];
    expect(await shape(explained, ...valid)).toMatchObject({
      calls: [{ subgraph: 'a', kind: 'root', step: 1, needs: [], fetches: [{ asks: ['x'], path: '' }] }],
    });
    const invalid = z.strictObject({
      errors: z.array(
        z.strictObject({
          message: z.string(),
          locations: z.array(z.strictObject(position)).optional(),
          extensions: z.looseObject({ code: z.string() }).optional(),
        }),
      ),
    });
    const args = ['explain', '--query', file('invalid.graphql', '{ z }'), ...supergraph];
    expect(await shapeOf(1, invalid, ...args)).toMatchObject({
      errors: [{ locations: [{ line: 1, column: 3 }] }],
    });
  });

  it('of audit verify', async () => {
    const finding = z.strictObject({ file: z.string(), line: z.number(), message: z.string() });
    const verdict = z.strictObject({
      passed: z.boolean(),
      isLast: z.boolean(),
      records: z.number(),
      problems: z.array(finding),
      notes: z.array(finding),
      ends: z.array(z.looseObject({ seq: z.number(), hash: z.string() })),
    });
    const torn = file('audit.jsonl', '{"seq":7}\n');
    expect(await shapeOf(1, verdict, 'audit', 'verify', torn)).toMatchObject({ passed: false });
  });

  it('of replay', async () => {
    const server = createServer((_request, response) => response.end('{"data":{"x":1}}')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const numbers = { compared: z.number(), equal: z.number(), different: z.number() };
    const side = z.strictObject({ p50: z.number(), p99: z.number(), calls: z.null() });
    const operation = z.strictObject({
      ...{ ...numbers, a: side, b: side, hash: z.string(), name: z.string(), text: z.string() },
      paths: z.array(z.unknown()),
    });
    const report = z.strictObject({
      ...{ ...numbers, a: side, b: side, requests: z.number(), withoutData: z.number() },
      operations: z.array(operation),
      endpoints: z.strictObject({ a: z.string(), b: z.string() }),
      rules: z.strictObject({
        ignore: z.array(z.string()),
        unordered: z.array(z.string()),
        values: z.boolean(),
      }),
      skipped: z.record(z.string(), z.number()),
    });
    const input = file('queries.jsonl', '{"query":"query A { x }"}\n{"query":"mutation { x }"}');
    const found = await shape(report, 'replay', endpoint, endpoint, '--from', input);
    server.close().closeAllConnections();
    expect(found).toMatchObject({ equal: 1, skipped: { mutation: 1 } });
  });

  it('of replay report', async () => {
    const figures = { p50: 1, p99: 2, calls: null };
    const all = { compared: 3, equal: 3, different: 0, a: figures, b: figures, operations: [] };
    const report = {
      ...{ url: 'http://b.test/', share: 0.01, perSecond: 10, since: 1, processes: 2 },
      ...{ failed: { timeout: 2 }, dropped: {}, ...all },
    };
    const server = createServer((_request, response) => response.end(JSON.stringify(report)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const reports = z.tuple([z.looseObject({ gateway: z.string(), compared: z.number() })]);
    const found = await shape(reports, 'replay', 'report', '--admin', gateway);
    server.close().closeAllConnections();
    expect(found).toEqual([{ gateway, ...report }]);
  });

  it('leaves stdout empty where there is no answer', async () => {
    const { exitCode, stdout, stderr } = await run('history', '--graph', 'shop');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^weir: [^\n]+\n$/);
  });
});

const run = (...args: string[]) => startCli(args, env).result;

const shape = <Schema extends z.ZodType>(schema: Schema, ...args: string[]) => shapeOf(0, schema, ...args);

/** What a command prints for programs. Progress and sentences are on stderr. */
async function shapeOf<Schema extends z.ZodType>(expected: number, schema: Schema, ...args: string[]) {
  const { exitCode, stdout, stderr } = await run(...args);
  expect({ args, exitCode, stderr: exitCode === 0 ? stderr : '' }).toEqual({
    args,
    exitCode: expected,
    stderr: '',
  });
  return schema.parse(JSON.parse(stdout));
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
