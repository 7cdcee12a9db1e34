import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import { namedFiles } from '../../gateway/options/file';
import { graphFile } from '../../gateway/packaged/packaged-graph';
import type { PackedFile } from '../../gateway/lambda/pack-gateway';
import { CommandFailure } from '../context';

/** The file of options of a package, and what it names beside it. */
export interface PackedOptions {
  readonly text: string;
  /** By the names of the files in the package. */
  readonly certificates: ReadonlyMap<string, PackedFile>;
  /** What is bundled, by the names of the files in the package without `.js`. */
  readonly modules: ReadonlyMap<string, PackedFile>;
  /** What is bundled to ES modules: the files, by the names in the package without `.mjs`. */
  readonly extensions: Readonly<Record<string, string>>;
}

/**
 * The file of options as a package has it: `${NAME}` is replaced when the function starts. The supergraph and the
 * operations of manifests are in the package, and so are certificates and modules with a relative path.
 *
 * @param config undefined for no options
 * @throws {CommandFailure} if it names files with secrets, or that the function could not write
 */
export function packOptions(config: string | undefined): PackedOptions {
  const document = parseDocument(config === undefined ? '{}' : readIfThere(config));
  const certificates = new Map<string, PackedFile>();
  const modules = new Map<string, PackedFile>();
  const extensions: Record<string, string> = {};
  // Wrong YAML is reported with the options.
  if (document.errors.length > 0) return { text: '', certificates, modules, extensions };
  const refused: string[] = secretsIn(document);
  for (const { path, node } of namedFiles(document)) {
    const option = path.join('.');
    // A variable is as the function sees it.
    if (node.value.includes('${')) continue;
    const named = { path: path as PropertyKey[], file: resolve(dirname(config!), node.value) };
    if (isModule.test(option)) {
      const name = path.join('-');
      modules.set(name, named);
      node.value = `${name}.js`;
    } else if (path[0] === 'extensions' && path.length === 2) {
      const name = path.join('-');
      extensions[name] = named.file;
      node.value = `${name}.mjs`;
    } else if (isCertificate.test(option)) {
      const name = `certificate-${certificates.size + 1}.pem`;
      certificates.set(name, named);
      node.value = name;
    } else if (isSecret.test(option)) refused.push(`\`${option}\``);
    else if (option.startsWith('audit.'))
      throw new CommandFailure(
        `weir: ${config}: \`${option}\` is in the folder of the function, which cannot be written: name a file below /tmp.`,
        2,
      );
  }
  if (refused.length > 0)
    throw new CommandFailure(
      `weir: ${config}: ${refused.join(', ')} ${refused.length === 1 ? 'names a file' : 'name files'} with secrets, which a package does not have. Give the value as \${NAME}, or name the file as the function sees it, such as /opt/link-keys in a layer.`,
      2,
    );
  if (document.hasIn(['supergraph'])) document.deleteIn(['supergraph']);
  if (document.hasIn(['persistedOperations', 'manifest']))
    document.setIn(['persistedOperations', 'manifest'], graphFile);
  return { text: document.toString(), certificates, modules, extensions };
}

/** A file that is not there is reported with the options. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '{}';
  }
}

const isModule = /^(?:authorization\.policies|auth\.(?:iam|lambda))\.module$/;
const isCertificate = /^(?:connections\.ca|cache\.redis\.ca|subgraphs\..+\.tls\.(?:cert|ca))$/;
const isSecret = /^(?:privateLinks\.keysFile|subgraphs\..+\.tls\.key)$/;

/** The options that take the content of a file with a relative path. */
function secretsIn(document: Document): string[] {
  const found: string[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return;
      if (/\$\{file:[^/}]/.test(node.value)) found.push(`\`${pathOf(ancestors)}\``);
    },
  });
  return found;
}

const pathOf = (ancestors: readonly unknown[]): string =>
  ancestors
    .flatMap((ancestor) => {
      const { key } = Object(ancestor) as { readonly key?: unknown };
      return isScalar(key) ? [String(key.value)] : [];
    })
    .join('.');
