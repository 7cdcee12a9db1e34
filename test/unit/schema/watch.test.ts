import { EventEmitter, on } from 'node:events';
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileComposition, type SupergraphWatch, watchSupergraph } from '../../../schema';

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

  it('sees a file that is replaced, time and again', async () => {
    await next();
    for (const field of ['first', 'second', 'third']) {
      write('a.graphql.new', `type Query { ${field}: Int }`);
      renameSync(join(folder, 'a.graphql.new'), join(folder, 'a.graphql'));

      expect((await next()).supergraphSdl).toContain(`${field}: Int`);
    }
  });

  it('reports a file that is deleted, and goes on when it comes back', async () => {
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

  it('reports a broken configuration and goes on when it is mended', async () => {
    await next();
    write('supergraph.yaml', 'subgraphs: [');
    expect((await next()).errors).toMatchObject([{ code: 'CONFIG_INVALID' }]);

    write('supergraph.yaml', subgraphs('b'));
    expect((await next()).supergraphSdl).toContain('b: Int');
  });
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
