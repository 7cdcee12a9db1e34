import type { LinkKeysOptions } from '../gateway/subgraph-calls/signers/link-keys';
import type { SignIntrospection } from '../schema';
import { CommandFailure, type Context } from './context';
import { lazy } from './lazy';

/** The keys of the private link in the environment, or their file; `undefined` if neither is set. */
export function linkKeysIn({ WEIR_LINK_KEYS: keys, WEIR_LINK_KEYS_FILE: keysFile }: Context['env']) {
  if (keys && keysFile)
    throw new CommandFailure('weir: only one of WEIR_LINK_KEYS and WEIR_LINK_KEYS_FILE may be set.', 2);
  if (keysFile) return { keysFile };
  return keys ? { keys: keys.split(',').map((key) => key.trim()) } : undefined;
}

/** Signs introspection requests as the gateway signs calls, for subgraphs that refuse unsigned ones. */
export function introspectionSigner(env: Context['env']): SignIntrospection | undefined {
  if (linkKeysIn(env) === undefined) return undefined;
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
  const given = linkKeysIn(env);
  return given && lazy.signing().signPrivateLink({ subgraph, key: () => open(given) });
}

/** Opened for each request, as a watch runs for a long time and the file may change. */
function open(given: LinkKeysOptions) {
  try {
    const keys = lazy.linkKeys().openLinkKeys(given);
    keys.close();
    return keys.current;
  } catch (error) {
    throw new CommandFailure(`weir: the private link has no key: ${(error as Error).message}`, 2);
  }
}
