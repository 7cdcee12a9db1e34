import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadNamedHook } from '../../auth/hook';
import { manifestsIn, type Options, OptionsError } from '../../options';
import { notPem } from '../../options/problem';
import { readContext } from '../../net/tls-files';

/**
 * Checks files that are read only when a request needs them. A missing file would otherwise fail requests and not the
 * start.
 * @throws {OptionsError} when one cannot be used
 */
export async function checkNamedFiles({ subgraphs, graphs, auth }: Options): Promise<void> {
  checkSubgraphCertificates(subgraphs, []);
  for (const [graph, own] of Object.entries(graphs?.of ?? {}))
    checkSubgraphCertificates(own.subgraphs ?? {}, ['graphs', 'of', graph]);
  await checkAuthModules(auth);
}

function checkSubgraphCertificates(subgraphs: Options['subgraphs'], within: readonly string[]): void {
  for (const [name, { tls }] of Object.entries(subgraphs)) {
    if (tls === undefined) continue;
    const path = [...within, 'subgraphs', name, 'tls'];
    for (const [option, file] of Object.entries(tls)) {
      try {
        if (file !== undefined) readFileSync(file);
      } catch (error) {
        throw OptionsError.unreadable([...path, option], file!, error);
      }
    }
    try {
      readContext(tls);
    } catch (error) {
      throw OptionsError.of(path, notPem(error));
    }
  }
}

async function checkAuthModules({ iam, lambda }: Options['auth']): Promise<void> {
  for (const [mode, module] of Object.entries({ iam: iam?.module, lambda: lambda?.module }))
    if (module !== undefined) await loadNamedHook(['auth', mode, 'module'], module);
}

/** Equal while the files that options name, and that are read with the options only, have the same content. */
export function digestOfFiles(options: Options): string {
  const { connections, authorization, auth, extensions } = options;
  const modules = [authorization.policies?.module, auth.iam?.module, auth.lambda?.module, ...extensions];
  return digestOf([...manifestsIn(options), connections.ca, ...modules]);
}

export function digestOf(files: readonly unknown[]): string {
  const digest = createHash('sha256');
  for (const file of files) {
    if (typeof file !== 'string') continue;
    const content = contentOf(file);
    digest.update(`${file} ${content.length}\n`).update(content);
  }
  return digest.digest('hex');
}

/** What cannot be read is reported where it is used. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
