import { readFileSync } from 'node:fs';
import { type Options, OptionsError } from '../../options';
import { Breakers } from '../../subgraph-calls/endpoints/breakers';
import { openSubgraphSigners, type SubgraphSigners } from '../../subgraph-calls/signers/open-signers';
import type { SubscriptionConnections } from '../../subgraph-calls/subscriptions/subscription-transport';
import { ArrivingResponses } from '../../subgraph-calls/wire/arriving-responses';
import { createHttpTransport, type HttpTransport } from '../../subgraph-calls/wire/http';
import { watchBreakers, watchStrict } from '../../telemetry/metrics/endpoints';
import type { OpenPart } from '../open-parts';
import type { Upstreams } from '../process-parts';
import type { Telemetry } from '../telemetry';

/** How subgraphs are reached, by all graphs. Connections outlive a supergraph. */
export interface Connections extends OpenPart {
  readonly transport: HttpTransport;
  /** How connections for subscriptions are opened. */
  readonly connections: SubscriptionConnections;
}

/** How the subgraphs of a graph are called. */
export interface Calls extends Connections {
  readonly breakers: Breakers;
  readonly signers: SubgraphSigners;
}

/** @throws {OptionsError} if a file that the options name cannot be used */
export function openConnections(options: Options, { logger, metrics }: Telemetry): Connections {
  const { max, connectTimeout, keepAlive, http2, strict, compression } = options.connections;
  const ca = readCa(options);
  const transport = createHttpTransport({
    connections: max,
    ...{ connectTimeout, keepAlive, http2, strict, compression, ca },
    // Most of the memory is for answers that wait to be read.
    arriving: new ArrivingResponses(options.overload.unread / 4),
    durations: metrics.subgraphDurations,
    watchStrict: watchStrict({ metrics, logger }),
  });
  return {
    transport,
    connections: { connectTimeout, keepAlive, http2, ca },
    close: () => transport.close(),
  };
}

/** @throws {OptionsError} if a file that the options name cannot be used */
export function openCalls(
  options: Options,
  { transport, connections }: Connections,
  { linkKeys }: Pick<Upstreams, 'linkKeys'>,
  { logger, metrics }: Telemetry,
): Calls {
  const signers = openSubgraphSigners(options, { linkKeys, logger });
  const breakers = new Breakers(options.breaker, watchBreakers({ metrics, logger }));
  return { transport, connections, breakers, signers, close: () => signers.close() };
}

function readCa({ connections: { ca } }: Options): string | undefined {
  if (ca === undefined) return undefined;
  try {
    return readFileSync(ca, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(['connections', 'ca'], ca, error);
  }
}
