import { Agent, buildConnector } from 'undici';
import type { Options } from '../../gateway/options';
import { compileHeaderRules, headerRulesOf } from '../../gateway/subgraph-calls/header-rules';
import { connectByProxies, proxiesOf, useProxies } from '../../gateway/net/outgoing';
import {
  openSubgraphSigners,
  SharedLinkKeys,
  type SubgraphSigners,
} from '../../gateway/subgraph-calls/signers/open-signers';
import { lookupSubgraph } from '../../gateway/subgraph-calls/endpoints/subgraph-url';
import { connectWithFiles } from '../../gateway/net/tls-files';
import { createLogger } from '../../gateway/telemetry/logger';
import type { FetchIntrospection, SignIntrospection } from '../../schema';

interface OptionsInUse {
  readonly options: Options;
  readonly signers: SubgraphSigners;
  /** By subgraph. */
  readonly agents: Map<string, Agent>;
  /** The options for which it was opened, as text. */
  readonly of: string;
}

/** How to introspect subgraphs. */
export interface IntrospectionCalls {
  readonly sign: SignIntrospection;
  readonly fetch: FetchIntrospection;
  close(): Promise<void>;
}

/**
 * Introspects subgraphs as a gateway with these options calls them, but without a client: with the same headers,
 * credentials, certificates and proxies. The options are read for each request, because they may change.
 */
export function introspectAsGateway(read: () => Options): IntrospectionCalls {
  let opened: OptionsInUse | undefined;
  const tools = { linkKeys: new SharedLinkKeys(), logger: createLogger({ level: 'silent' }) };

  function open(): OptionsInUse {
    try {
      const options = read();
      const { connections, headers, privateLinks, subgraphs } = options;
      const of = JSON.stringify({ connections, headers, privateLinks, subgraphs });
      if (opened?.of === of) return opened;
      const signers = openSubgraphSigners(options, tools);
      void close(opened);
      return (opened = { options, signers, agents: new Map(), of });
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
    async fetch({ subgraph, url }, init) {
      const { options, agents } = open();
      let dispatcher = agents.get(subgraph);
      if (dispatcher === undefined) agents.set(subgraph, (dispatcher = agentOf(subgraph, options)));
      return fetch(url, { ...init, ...({ dispatcher } as object) });
    },
    close: () => close(opened),
  };
}

/** Takes the proxies of the environment first. @throws {RangeError} if one is not the URL of an HTTP proxy */
export function introspectByProxies(
  read: () => Options,
  env: Readonly<Record<string, string | undefined>>,
): IntrospectionCalls {
  useProxies(proxiesOf(env));
  return introspectAsGateway(read);
}

/** @throws if a file of certificates cannot be read or is not PEM */
function agentOf(name: string, { connections: { ca, connectTimeout }, subgraphs }: Options): Agent {
  const tls = subgraphs[name]?.tls ?? (ca === undefined ? undefined : { ca });
  const settings = { timeout: connectTimeout, lookup: lookupSubgraph };
  const connect = tls === undefined ? buildConnector(settings) : connectWithFiles(tls, settings);
  return new Agent({ connect: connectByProxies(connect, connectTimeout) });
}

async function close(opened: OptionsInUse | undefined): Promise<void> {
  opened?.signers.close();
  await Promise.all(Array.from(opened?.agents.values() ?? [], (agent) => agent.close()));
}

const pairs = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : [])));
