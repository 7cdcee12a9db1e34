import { linkKeysIn } from '../../gateway/options/link-key-variables';
import type { LinkKeysOptions } from '../../gateway/subgraph-calls/signers/link-keys';
import type { SignIntrospection } from '../../schema';
import { CommandFailure, type Context } from '../context';
import type * as LinkKeys from '../../gateway/subgraph-calls/signers/link-keys';
import { signPrivateLink } from '../../gateway/subgraph-calls/signers/private-link';

/** The keys of the private link in the environment, or their file; undefined if neither is set. */
export function linkKeysOf(env: Context['env']) {
  try {
    return linkKeysIn(env);
  } catch (error) {
    throw new CommandFailure(`weir: ${(error as Error).message}`, 2);
  }
}

/** Signs introspection requests as the gateway signs calls, for subgraphs that refuse unsigned ones. */
export function introspectionSigner(env: Context['env']): SignIntrospection | undefined {
  if (linkKeysOf(env) === undefined) return undefined;
  return ({ subgraph, body }) => {
    const signed = privateLinkSigner(subgraph, env)!.sign({
      body: Buffer.from(body),
      caller: { headers: {}, signedIdentity: undefined },
    });
    return Object.fromEntries(signed.flatMap((name, i) => (i % 2 === 0 ? [[name, signed[i + 1]!]] : [])));
  };
}

/** Signs requests to a subgraph with the keys in the environment; `undefined` if there are none. */
export function privateLinkSigner(subgraph: string, env: Context['env']) {
  const given = linkKeysOf(env);
  return given && signPrivateLink({ subgraph, key: () => open(given) });
}

/** Opened for each request, as a watch runs for a long time and the file may change. */
function open(given: LinkKeysOptions) {
  try {
    const keys = (require('../../gateway/subgraph-calls/signers/link-keys') as typeof LinkKeys).openLinkKeys(
      given,
    );
    keys.close();
    return keys.current;
  } catch (error) {
    throw new CommandFailure(`weir: the private link has no key: ${(error as Error).message}`, 2);
  }
}
