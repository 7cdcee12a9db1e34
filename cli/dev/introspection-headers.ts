import type { Options } from '../../gateway';
import { openSubgraphSigners, type SubgraphSigners } from '../../gateway/subgraph-calls/signers/open-signers';
import { createLogger } from '../../gateway/telemetry/logger';
import type { SignIntrospection } from '../../schema';

/** Signs questions for schemas as the gateway with these options signs its calls, when they change, too. */
export function introspectionHeaders(options: () => Options): { sign: SignIntrospection; close(): void } {
  let opened: { readonly signers: SubgraphSigners; readonly of: string } | undefined;
  const logger = createLogger({ level: 'silent' });

  function signersNow(): SubgraphSigners {
    try {
      const current = options();
      const { privateLinks, subgraphs } = current;
      const of = JSON.stringify({ privateLinks, subgraphs });
      if (opened?.of === of) return opened.signers;
      const signers = openSubgraphSigners(current, logger);
      opened?.signers.close();
      opened = { signers, of };
      return signers;
    } catch (error) {
      // A wrong edit of the options is said where they are read for the gateway; the previous ones stay in use.
      if (opened === undefined) throw error;
      return opened.signers;
    }
  }

  return {
    async sign({ subgraph, url, body }) {
      const signed =
        (await signersNow()
          .of(subgraph)
          ?.sign({
            url: new URL(url),
            body: Buffer.from(body),
            caller: { headers: {}, signedIdentity: undefined },
          })) ?? [];
      return Object.fromEntries(signed.flatMap((name, i) => (i % 2 === 0 ? [[name, signed[i + 1]!]] : [])));
    },
    close: () => opened?.signers.close(),
  };
}
