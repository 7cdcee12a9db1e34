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

/** How subgraphs are called. Connections outlive a supergraph. */
export interface Calls extends OpenPart {
  readonly transport: HttpTransport;
  /** How connections for subscriptions are opened. */
  readonly connections: SubscriptionConnections;
  readonly breakers: Breakers;
  readonly signers: SubgraphSigners;
}

/** @throws {OptionsError} if a file that the options name cannot be used */
export function openCalls(
  options: Options,
  { linkKeys }: Pick<Upstreams, 'linkKeys'>,
  { logger, metrics }: Telemetry,
): Calls {
  const { max, connectTimeout, keepAlive, http2, strict, compression } = options.connections;
  const ca = readCa(options);
  const signers = openSubgraphSigners(options, { linkKeys, logger });
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
    breakers: new Breakers(options.breaker, watchBreakers({ metrics, logger })),
    signers,
    async close() {
      await transport.close();
      signers.close();
    },
  };
}

function readCa({ connections: { ca } }: Options): string | undefined {
  if (ca === undefined) return undefined;
  try {
    return readFileSync(ca, 'utf8');
  } catch (error) {
    throw OptionsError.unreadable(['connections', 'ca'], ca, error);
  }
}
