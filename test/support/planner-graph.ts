import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const graphs = 'test/differential/graphs/';

/** The supergraph in a file of the repository. Those of the differential tests begin with one prelude. */
export const readGraph = (file: string): string =>
  [...(file.startsWith(graphs) ? [`${graphs}prelude.graphql`] : []), file]
    .map((part) => readFileSync(join(root, part), 'utf8'))
    .join('');
