import { isDeepStrictEqual } from 'node:util';
import type { Overload } from '../admission/overload';
import type { Options } from '../options';
import type { Logger } from '../telemetry/logger';
import type { Meter } from '../telemetry/metrics/meter';
import { ShadowRecord } from './record';
import { shadowSender } from './send';
import { Shadow } from './shadow';

export interface ShadowTools {
  readonly overload: Pick<Overload, 'hasFreeSlot'>;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** Undefined where the options have none. @param previous the one before: with equal options, what it has counted goes on */
export function openShadow(
  { shadow: options }: Pick<Options, 'shadow'>,
  { overload, meter, logger }: ShadowTools,
  previous: Shadow | undefined,
): Shadow | undefined {
  if (options === undefined) return undefined;
  const isSame = previous !== undefined && isDeepStrictEqual(previous.options, options);
  return new Shadow({
    ...{ options, logger, send: shadowSender(options), isBusy: () => !overload.hasFreeSlot },
    record: isSame ? previous.record : new ShadowRecord(meter),
  });
}
