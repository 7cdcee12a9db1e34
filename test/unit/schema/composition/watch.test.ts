import { EventEmitter, on } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type FileComposition,
  type SupergraphWatch,
  watchSupergraph,
  type WatchSupergraphOptions,
} from '../../../../schema';
import { eventually } from '../../../support/process';

let folder: string;
let watch: SupergraphWatch;
let next: () => Promise<FileComposition>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  write('a.graphql', 'type Query { a: Int }');
  write('b.graphql', 'type Query { b: Int }');
  write('supergraph.yaml', subgraphs('a'));
  const events = new EventEmitter();
  const compositions = on(events, 'composition');
  next = async () => ((await compositions.next()).value as [FileComposition])[0];
  watch = await watchSupergraph({
    file: join(folder, 'supergraph.yaml'),
    onComposition: (composition) => events.emit('composition', composition),
  });
});
afterEach(async () => {
  await watch.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('watchSupergraph', () => {
  it('composes at once, and again after an edit of a schema file', async () => {
    expect((await next()).supergraphSdl).toContain('a: Int');

    write('a.graphql', 'type Query { edited: Int }');

    expect((await next()).supergraphSdl).toContain('edited: Int');
  });

  it('composes again after an edit of an overlay', async () => {
    await next();
    write('a.join.graphql', 'extend type Query { a: Int @deprecated(reason: "first") }');
    write(
      'supergraph.yaml',
      'subgraphs: { a: { routing_url: http://a.test, schema: { file: a.graphql }, overlay: a.join.graphql } }',
    );
    expect((await next()).supergraphSdl).toContain('first');

    write('a.join.graphql', 'extend type Query { a: Int @deprecated(reason: "second") }');

    expect((await next()).supergraphSdl).toContain('second');
  });

  it('composes again after an edit of an OpenAPI document', async () => {
    await next();
    const paths = (summary: string) =>
      `openapi: 3.1.0\npaths: { /a: { get: { summary: ${summary}, operationId: a } } }`;
    write('a.yaml', paths('first'));
    write('a.join.graphql', 'extend type Query { a: Boolean }');
    write(
      'supergraph.yaml',
      'subgraphs: { a: { routing_url: http://a.test, schema: { openapi: a.yaml }, overlay: a.join.graphql } }',
    );
    expect((await next()).supergraphSdl).toContain('first');

    write('a.yaml', paths('second'));

    expect((await next()).supergraphSdl).toContain('second');
  });

  it('notices a file that is replaced repeatedly', async () => {
    await next();
    for (const field of ['first', 'second', 'third']) {
      write('a.graphql.new', `type Query { ${field}: Int }`);
      renameSync(join(folder, 'a.graphql.new'), join(folder, 'a.graphql'));

      expect((await next()).supergraphSdl).toContain(`${field}: Int`);
    }
  });

  it('reports a deleted file, and continues when it returns', async () => {
    await next();
    unlinkSync(join(folder, 'a.graphql'));
    expect((await next()).errors).toMatchObject([{ code: 'SCHEMA_UNREADABLE' }]);

    write('a.graphql', 'type Query { back: Int }');
    expect((await next()).supergraphSdl).toContain('back: Int');
  });

  it('watches the schema files of subgraphs that are added', async () => {
    await next();
    write('supergraph.yaml', subgraphs('a', 'b'));
    expect((await next()).supergraphSdl).toContain('b: Int');

    write('b.graphql', 'type Query { edited: Int }');
    expect((await next()).supergraphSdl).toContain('edited: Int');
  });

  it('reports a broken configuration, and continues when it is fixed', async () => {
    await next();
    write('supergraph.yaml', 'subgraphs: [');
    expect((await next()).errors).toMatchObject([{ code: 'CONFIG_INVALID' }]);

    write('supergraph.yaml', subgraphs('b'));
    expect((await next()).supergraphSdl).toContain('b: Int');
  });
});

describe('watchSupergraph, of an introspected subgraph,', () => {
  let server: Server;
  let url: string;
  let answer: { status: number; sdl: string | null };
  let asked: IncomingHttpHeaders[];

  beforeEach(async () => {
    answer = { status: 200, sdl: 'type Query { a: Int }' };
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.headers);
      response.statusCode = answer.status;
      response.end(JSON.stringify({ data: { _service: { sdl: answer.sdl } } }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    write('supergraph.yaml', `subgraphs: { a: { schema: { subgraph_url: "${url}" } } }`);
  });
  afterEach(async () => {
    await watch.close();
    server.closeAllConnections();
    server.close();
  });

  it('composes again if its schema changes, and only then', async () => {
    const compositions = await introspect({ interval: 10 });
    expect((await compositions.next()).supergraphSdl).toContain('a: Int');
    await eventually(() => asked.length > 3);
    answer = { status: 200, sdl: 'type Query { other: Int }' };

    expect((await compositions.next()).supergraphSdl).toContain('other: Int');
    expect(compositions.count).toBe(2);
  });

  it('signs each introspection, also asynchronously', async () => {
    let count = 0;
    await introspect({
      interval: 10,
      sign: ({ subgraph, url: to, body }) =>
        Promise.resolve({ 'x-signed': [subgraph, to, body.length, ++count].join(' ') }),
    });
    await eventually(() => asked.length >= 2);

    const length = JSON.stringify({ query: '{ _service { sdl } }' }).length;
    expect(asked.slice(0, 2).map((headers) => headers['x-signed'])).toEqual([
      `a ${url} ${length} 1`,
      `a ${url} ${length} 2`,
    ]);
  });

  it('keeps its last schema while it does not answer, and says so once', async () => {
    const compositions = await introspect({ interval: 10 });
    await compositions.next();
    answer = { status: 503, sdl: null };
    const without = await compositions.next();
    expect(without.supergraphSdl).toContain('a: Int');
    expect(without.hints).toMatchObject([
      {
        level: 'warning',
        code: 'SCHEMA_UNREADABLE',
        subgraph: 'a',
        message: expect.stringMatching(/^The schema of a cannot be read: .+ Its last one is used\.$/),
      },
    ]);
    const before = asked.length;
    await eventually(() => asked.length > before + 3);
    answer = { status: 200, sdl: 'type Query { a: Int }' };

    expect((await compositions.next()).hints).toEqual([]);
    expect(compositions.count).toBe(3);
  });

  it('is awaited if it does not answer at the start', async () => {
    answer = { status: 503, sdl: null };
    const compositions = await introspect({ interval: 60_000 });
    expect((await compositions.next()).errors).toMatchObject([{ code: 'SCHEMA_UNREADABLE', subgraph: 'a' }]);
    answer = { status: 200, sdl: 'type Query { late: Int }' };
    watch.refresh();

    expect((await compositions.next()).supergraphSdl).toContain('late: Int');
  });

  it('is introspected at the URL of the prepared configuration', async () => {
    write('supergraph.yaml', 'subgraphs: { a: { schema: { subgraph_url: "http://127.0.0.1:1/graphql" } } }');
    const compositions = await introspect({
      prepare: (config) =>
        Promise.resolve({
          ...config,
          subgraphs: [{ name: 'a', routingUrl: url, schema: { kind: 'url', url, headers: {} } }],
        }),
    });

    expect((await compositions.next()).supergraphSdl).toContain(url);
  });

  async function introspect(options: Partial<WatchSupergraphOptions>) {
    await watch.close();
    const events = new EventEmitter();
    const compositions = on(events, 'composition');
    let count = 0;
    watch = await watchSupergraph({
      file: join(folder, 'supergraph.yaml'),
      onComposition: (composition) => {
        count++;
        events.emit('composition', composition);
      },
      ...options,
    });
    return {
      next: async () => ((await compositions.next()).value as [FileComposition])[0],
      get count() {
        return count;
      },
    };
  }
});

function subgraphs(...names: string[]): string {
  const entries = names.map(
    (name) => `  ${name}: { routing_url: http://${name}.test, schema: { file: ${name}.graphql } }`,
  );
  return ['subgraphs:', ...entries].join('\n');
}

function write(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
}
