import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import { graphFile } from '../../gateway/packaged/packaged-graph';
import { CommandFailure } from '../context';

/**
 * The file of options as a package has it: `${NAME}` is replaced when the function starts. The supergraph and the
 * operations of manifests are in the package.
 *
 * @param config undefined for no options
 * @throws {CommandFailure} if it names files that the function would not have
 */
export function packOptions(config: string | undefined): string {
  const document = parseDocument(config === undefined ? '{}' : readIfThere(config));
  // Wrong YAML is reported with the options.
  if (document.errors.length > 0) return '';
  refuseFiles(document, config);
  if (document.hasIn(['supergraph'])) document.deleteIn(['supergraph']);
  if (document.hasIn(['persistedOperations', 'manifest']))
    document.setIn(['persistedOperations', 'manifest'], graphFile);
  return document.toString();
}

/** A file that is not there is reported with the options. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '{}';
  }
}

function refuseFiles(document: Document, config: string | undefined): void {
  const named: string[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const path = pathOf(ancestors);
      const isFile = fileOptions.test(path) && !isAbsolute(node.value) && !node.value.startsWith('${');
      if (isFile || /\$\{file:[^/}]/.test(node.value)) named.push(`\`${path}\``);
    },
  });
  if (named.length === 0) return;
  throw new CommandFailure(
    `weir: ${config}: ${named.join(', ')} ${named.length === 1 ? 'names a file' : 'name files'} that the package does not have. Add the file to the folder of the package and name it as the function sees it, such as /var/task/ca.pem, or give the value as \${NAME}.`,
    2,
  );
}

/** Options that name a file which is read when the gateway starts. */
const fileOptions =
  /^(?:connections\.ca|cache\.redis\.ca|privateLinks\.keysFile|subgraphs\..+\.tls\.(?:cert|key|ca)|authorization\.policies\.module|auth\.(?:iam|lambda)\.module)$/;

const pathOf = (ancestors: readonly unknown[]): string =>
  ancestors
    .flatMap((ancestor) => {
      const { key } = Object(ancestor) as { readonly key?: unknown };
      return isScalar(key) ? [String(key.value)] : [];
    })
    .join('.');
