import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Compose from '../../schema/composition/compose';

export interface Composed {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: string;
}

/**
 * The supergraph of some subgraphs. To load what composes, and to compose, takes half a second in each test file: what was
 * composed once is kept, until a source of composition changes. Only its URLs are those of this time.
 */
export function composeOrRecall(subgraphs: readonly Composed[]): string {
  const stable = subgraphs.map((subgraph, i) => ({ ...subgraph, url: `http://url-${i}.invalid/graphql` }));
  const supergraphSdl = recall(stable, () => compose(stable));
  return subgraphs.reduce((sdl, { url }, i) => sdl.replaceAll(stable[i]!.url, url), supergraphSdl);
}

/** What was made of the subgraphs once. */
export function recall(subgraphs: readonly object[], make: () => string): string {
  const key = createHash('sha256')
    .update(JSON.stringify([fingerprint(), subgraphs]))
    .digest('hex');
  const file = join(folder, `${key}.graphql`);
  let supergraphSdl = contentOf(file);
  if (supergraphSdl === undefined) keep(file, (supergraphSdl = make()));
  return supergraphSdl;
}

function compose(subgraphs: readonly Composed[]): string {
  const { composeSupergraph } = createRequire(__filename)(
    '../../schema/composition/compose',
  ) as typeof Compose;
  const { supergraphSdl, errors } = composeSupergraph({
    subgraphs: subgraphs.map(({ name, url, typeDefs }) => ({
      ...{ name, routingUrl: url, sdl: typeDefs, file: `${name}.graphql` },
    })),
  });
  if (errors) throw new Error(errors.map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

const root = join(__dirname, '../..');
const folder = join(root, 'node_modules/.cache/weir-tests/compositions');

let sources: string | undefined;

/** Another one as soon as something changes that composes. */
function fingerprint(): string {
  const files = [
    'package-lock.json',
    ...readdirSync(join(root, 'schema')).map((name) => join('schema', name)),
  ];
  return (sources ??= files
    .map((file) => `${file} ${statSync(join(root, file)).mtimeMs} ${statSync(join(root, file)).size}`)
    .join());
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** At once, for whoever reads it at the same time. */
function keep(file: string, content: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
}
