import { type Options, OptionsError } from './options';
import type { Logger } from './telemetry/logger';
import type { Signer } from './transports/signer';
import { type LinkKeys, openLinkKeys } from './transports/signers/link-keys';
import { signPrivateLink } from './transports/signers/private-link';

export interface SubgraphSigners {
  /** What signs the calls of a subgraph. */
  of(subgraph: string): Signer | undefined;
  close(): void;
}

/** How the gateway proves to subgraphs who it is. One for a process: keys and tokens outlive a supergraph. */
export function openSubgraphSigners({ privateLinks }: Options, logger: Logger): SubgraphSigners {
  const keys = openKeys(privateLinks, logger);
  return {
    of: (subgraph) => keys && signPrivateLink({ subgraph, key: () => keys.current }),
    close: () => keys?.close(),
  };
}

function openKeys({ keys, keysFile }: Options['privateLinks'], logger: Logger): LinkKeys | undefined {
  if (keys === undefined && keysFile === undefined) return undefined;
  try {
    return openLinkKeys({
      keys,
      keysFile,
      onChange: (change) => {
        if (change instanceof Error) logger.error({ reason: change.message }, 'the link key stays');
        else logger.info({ key: change.id }, 'the link key is another one');
      },
    });
  } catch (error) {
    throw new OptionsError([`\`privateLinks.keysFile\` cannot be used: ${(error as Error).message}`]);
  }
}
