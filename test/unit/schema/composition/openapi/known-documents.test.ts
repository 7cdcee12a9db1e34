/** schema/composition/openapi/ with reduced documents of Stripe and GitHub; integration/openapi-documents has the whole ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeFile } from '../../../../../schema/composition/compose-file';
import { knownDocuments } from '../../../../support/openapi/known-documents';
import { runOperations } from '../../../../support/openapi/run-operations';

it.each(['stripe', 'github'] as const)('imports, composes and runs four operations of %s', async (name) => {
  const { overlay, written } = knownDocuments[name];
  const folder = mkdtempSync(join(tmpdir(), 'weir-openapi-'));
  const file = join(folder, 'supergraph.yaml');
  const document = join(__dirname, `../../../../support/openapi/${name}.json`);
  writeFileSync(join(folder, 'api.join.graphql'), overlay);
  writeFileSync(
    file,
    `subgraphs: { api: { routing_url: http://api.test, schema: { openapi: ${document} }, overlay: api.join.graphql } }`,
  );

  const { errors, supergraphSdl = '' } = await composeFile({ file });
  rmSync(folder, { recursive: true });

  expect(errors).toBeUndefined();
  const source = supergraphSdl.replaceAll('\\"', '"');
  for (const text of written) expect(source).toContain(text);
  const run = await runOperations(supergraphSdl, readFileSync(document, 'utf8'));
  expect(run).toHaveLength(4);
  for (const { errors: own, received, expected } of run)
    expect([own, received]).toEqual([undefined, expected]);
});
