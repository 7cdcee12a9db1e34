import { AnswerProvenance } from '../cache/policy';
import { bodyPrefixOf } from '../execution/compile/subgraph-operation';
import type { ShadowOptions } from '../options/shadow';
import type { EndpointAnswer } from '../replay/compare';
import type { SubgraphConnectionOptions } from '../subgraph-calls/endpoints/connections';
import { createHttpTransport } from '../subgraph-calls/wire/http';
import { noCalls } from '../telemetry/metrics/call-counts';

/** A query as the shadow gets it. */
export interface ShadowQuery {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Those that the options name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends queries to the shadow as they are sent to subgraphs, over connections of its own. */
export interface ShadowSender {
  /** Rejects with a `TransportError` if there is no answer. */
  send(query: ShadowQuery): Promise<EndpointAnswer>;
  /** What is sent fails with `closed`. */
  close(): Promise<void>;
}

/** The header of each query that is sent: what has it is never sent on, so that gateways may shadow each other. */
export const shadowHeader = 'weir-shadow';

/** @throws {RangeError} for an address that is never called */
export function openSender(
  { url, timeout, longest, headers: { set } }: ShadowOptions,
  connections: SubgraphConnectionOptions,
): ShadowSender {
  const transport = createHttpTransport({ ...connections, connections: mostAtOnce });
  const { send } = transport.open({
    ...{ name: subgraph, url, timeout, maxResponseSize: longest },
    headers: { ...set, [shadowHeader]: '1' },
  });
  return {
    async send({ query, operationName: name, variables, headers }) {
      const { status, body } = await send({
        operation: { subgraph, kind: 'query', document: query, name, bodyPrefix: bodyPrefixOf(query, name) },
        variables: Buffer.from(JSON.stringify(variables)),
        caller: {
          ...{
            headers,
            scope: '',
            signedIdentity: undefined,
            tracing: {},
            isGone: false,
            deadline: undefined,
          },
          ...{ calls: noCalls(), provenance: new AnswerProvenance() },
        },
      });
      return { status, body: body.toString() };
    },
    close: () => transport.close(),
  };
}

/** Queries that are sent at the same time. */
export const mostAtOnce = 8;
const subgraph = 'shadow';
