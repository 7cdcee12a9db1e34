import { readFileSync } from 'node:fs';
import { loadNamedHook } from '../auth/hook';
import { type Options, OptionsError } from '../options';
import { notPem } from '../options/problem';
import { readContext } from '../subgraph-calls/tls-files';

/**
 * Checks files that are read only when a request needs them. A missing file would otherwise fail requests and not the
 * start.
 * @throws {OptionsError} when one cannot be used
 */
export async function checkNamedFiles({ subgraphs, auth }: Options): Promise<void> {
  checkSubgraphCertificates(subgraphs);
  await checkAuthModules(auth);
}

function checkSubgraphCertificates(subgraphs: Options['subgraphs']): void {
  for (const [name, { tls }] of Object.entries(subgraphs)) {
    if (tls === undefined) continue;
    const path = ['subgraphs', name, 'tls'];
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
