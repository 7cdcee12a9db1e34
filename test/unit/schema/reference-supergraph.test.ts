/** Whether schema/supergraph.graphql is up to date. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFile } from '../../../schema';

const folder = join(__dirname, '../../../schema');

describe('schema/supergraph.graphql', () => {
  it('is what the schemas of the reference graph compose to', async () => {
    const { errors, supergraphSdl } = await composeFile({ file: join(folder, 'supergraph.yaml') });
    if (errors) throw new Error(`The reference graph does not compose: ${errors[0]?.message}`);

    if (readFileSync(join(folder, 'supergraph.graphql'), 'utf8') !== supergraphSdl) {
      throw new Error(
        'schema/supergraph.graphql is out of date: run `npx weir compose --out schema/supergraph.graphql` and commit it.',
      );
    }
  });
});
