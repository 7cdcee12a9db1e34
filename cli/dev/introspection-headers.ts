import type { Options } from '../../gateway';
import { compileHeaderRules, headerRulesOf } from '../../gateway/subgraph-calls/headers';
import { openSubgraphSigners, type SubgraphSigners } from '../../gateway/subgraph-calls/signers/open-signers';
import { createLogger } from '../../gateway/telemetry/logger';
import type { SignIntrospection } from '../../schema';

interface Opened {
  readonly options: Options;
  readonly signers: SubgraphSigners;
  /** The options for which the signers were opened, as text. */
  readonly of: string;
}

/**
 * The headers of introspection requests: those that a gateway with these options adds to its calls, without those of
 * clients. The options are read for each request, as they may change.
 */
export function introspectionHeaders(read: () => Options): { sign: SignIntrospection; close(): void } {
  let opened: Opened | undefined;
  const logger = createLogger({ level: 'silent' });

  function open(): Opened {
    try {
      const options = read();
      const { headers, privateLinks, subgraphs } = options;
      const of = JSON.stringify({ headers, privateLinks, subgraphs });
      if (opened?.of === of) return opened;
      const signers = openSubgraphSigners(options, logger);
      opened?.signers.close();
      return (opened = { options, signers, of });
    } catch (error) {
      // Invalid options are reported where the gateway reads them. The previous ones stay in use.
      if (opened === undefined) throw error;
      return opened;
    }
  }

  return {
    async sign({ subgraph, url, body }) {
      const { options, signers } = open();
      const { all, own, independent } = headerRulesOf(options);
      const set = compileHeaderRules(...(own.get(subgraph) ?? independent.get(subgraph) ?? all))({});
      const signed = await signers.of(subgraph)?.sign({
        url: new URL(url),
        body: Buffer.from(body),
        caller: { headers: set, signedIdentity: undefined },
      });
      return { ...set, ...pairs(signed ?? []) };
    },
    close: () => opened?.signers.close(),
  };
}

const pairs = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : [])));
