import { isDeepStrictEqual } from 'node:util';
import type { Overload } from '../admission/overload';
import { type Options, OptionsError } from '../options';
import type { ShadowOptions } from '../options/shadow';
import type { SubgraphConnectionOptions } from '../subgraph-calls/endpoints/connections';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import { ShadowRecord } from './record';
import { openSender, type ShadowSender } from './send';
import { Shadow } from './shadow';

export interface ShadowTools {
  readonly overload: Pick<Overload, 'hasFreeSlot'>;
  /** How subgraphs are connected to. */
  readonly connections: SubgraphConnectionOptions;
  readonly meter: Meter;
  readonly logger: Logger;
}

/**
 * Undefined where the options have none.
 *
 * @param previous the one before: with equal options, what it has counted goes on
 * @throws {OptionsError} for an address that is never called
 */
export function openShadow(
  { shadow: options }: Pick<Options, 'shadow'>,
  { overload, connections, meter, logger }: ShadowTools,
  previous: Shadow | undefined,
): Shadow | undefined {
  if (options === undefined) return undefined;
  const isSame = previous !== undefined && isDeepStrictEqual(previous.options, options);
  return new Shadow({
    ...{ options, logger, isBusy: () => !overload.hasFreeSlot },
    sender: senderOf(options, connections),
    record: isSame ? previous.record : new ShadowRecord(meter),
  });
}

function senderOf(options: ShadowOptions, connections: SubgraphConnectionOptions): ShadowSender {
  try {
    return openSender(options, connections);
  } catch {
    throw OptionsError.of(['shadow', 'url'], 'must not be a link-local or metadata address.');
  }
}
