import { UsedSignatures } from '../../net/used-signatures';
import { type Options, OptionsError } from '../../options';
import type { SubgraphAuth } from '../../options/subgraph-auth';
import type { Logger } from '../../telemetry/logger';
import { type Lease, Leases } from '../../net/leases';
import type { Signer } from '../contract/signer';
import { appSyncSigner } from './appsync-signer';
import { awsCredentials } from '../../net/aws-credentials';
import { bearerToken } from './bearer';
import { staticHeader } from './header';
import { type LinkKey, type LinkKeys, openLinkKeys } from './link-keys';
import { signPrivateLink } from './private-link';
import { tokenExchange, type TokenExchangeOptions } from './token-exchange';
import { type VerifyCallback, verifyCallback } from './signed-callback';
import { sigV4 } from '../../net/sigv4';

export interface SubgraphSigners {
  /** The signer for the calls of a subgraph; undefined if they are not signed. */
  of(subgraph: string): Signer | undefined;
  /** What checks the callbacks of a subgraph; undefined where it has no private link. */
  callbacksOf(subgraph: string): VerifyCallback | undefined;
  /** Of private links; undefined where there are none. */
  readonly linkKeys: LinkKeys | undefined;
  close(): void;
}

/** Sets of options with the same keys share them: signers of connections that outlive their options follow the keys' file. */
export class SharedLinkKeys extends Leases<LinkKeys> {
  constructor() {
    super((keys) => keys.close());
  }
}

export interface SignerTools {
  readonly linkKeys: SharedLinkKeys;
  readonly logger: Logger;
}

/** Opens the signers of all subgraphs. Once per set of options, as keys and tokens outlive a supergraph. */
export function openSubgraphSigners(
  { privateLinks, subgraphs }: Options,
  tools: SignerTools,
): SubgraphSigners {
  const lease = openKeys(privateLinks, tools);
  const keys = lease?.value;
  const own = new Map<string, Signer>();
  const used = new UsedSignatures();
  const exchanges = new Map<string, Signer>();
  for (const [name, { auth, appsync }] of Object.entries(subgraphs)) {
    if (auth !== undefined) own.set(name, signerFor(auth, exchanges));
    else if (appsync !== undefined) own.set(name, appSyncSigner(appsync.auth));
  }
  return {
    of: (subgraph) => own.get(subgraph) ?? (keys && signPrivateLink({ subgraph, key: () => keys.current })),
    callbacksOf: (subgraph) =>
      own.has(subgraph) ? undefined : keys && verifyCallback({ subgraph, keys: () => keys.all, used }),
    linkKeys: keys,
    close: () => lease?.end(),
  };
}

/** @param exchanges those so far, by their settings: subgraphs with the same ones share what was exchanged */
function signerFor(auth: SubgraphAuth, exchanges: Map<string, Signer>): Signer {
  switch (auth.type) {
    case 'AWS_IAM':
      return sigV4({ ...auth, credentials: awsCredentials() });
    case 'API_KEY':
      return staticHeader(auth.header, auth.key);
    case 'BEARER':
      return bearerToken({ token: auth.token });
    case 'CLIENT_CREDENTIALS':
      return bearerToken({ token: auth });
    case 'TOKEN_EXCHANGE':
      return sharedExchange(auth, exchanges);
  }
}

function sharedExchange(auth: TokenExchangeOptions, exchanges: Map<string, Signer>): Signer {
  const key = JSON.stringify(auth);
  const shared = exchanges.get(key) ?? tokenExchange(auth);
  exchanges.set(key, shared);
  return shared;
}

function openKeys(
  { keys, keysFile }: Options['privateLinks'],
  { linkKeys, logger }: SignerTools,
): Lease<LinkKeys> | undefined {
  if (keys === undefined && keysFile === undefined) return undefined;
  const onChange = (change: LinkKey | Error): void => {
    if (change instanceof Error)
      logger.error({ reason: change.message }, 'the link key could not be replaced');
    else logger.info({ key: change.id }, 'the link key was replaced');
  };
  try {
    return linkKeys.take(JSON.stringify([keys, keysFile]), () => openLinkKeys({ keys, keysFile, onChange }));
  } catch (error) {
    throw OptionsError.of(['privateLinks', 'keysFile'], `cannot be used: ${(error as Error).message}`);
  }
}
