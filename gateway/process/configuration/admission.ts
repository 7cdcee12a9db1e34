import { Overload } from '../../admission/overload';
import { PlanWaits } from '../../admission/plan-waits';
import { Rates } from '../../admission/rates/rates';
import { ReadingTurns } from '../../admission/reading-turns';
import { Slots } from '../../admission/slots';
import { UnsentRequests } from '../../admission/unsent-requests';
import { requestError } from '../../errors';
import { createRefusal } from '../../http/prepared-refusal';
import type { Options } from '../../options';
import { RequestsInFlight } from '../../request/requests-in-flight';
import type { OpenPart } from '../open-parts';
import type { ProcessParts } from '../process-parts';

/** Which requests are in flight, and which of them are worked on now. */
export interface Admission extends OpenPart {
  readonly inFlight: RequestsInFlight;
  readonly planWaits: PlanWaits;
  readonly readingTurns: ReadingTurns;
  readonly overload: Overload;
  readonly slots: Slots;
  /** Undefined if no rate is configured. */
  readonly rates: Rates | undefined;
}

/** @param previous the rates whose counts continue */
export function openAdmission(
  options: Options,
  { telemetry, clients, stores }: Pick<ProcessParts, 'telemetry' | 'clients' | 'stores'>,
  previous: Rates | undefined,
): Admission {
  const { logger, metrics, tracer } = telemetry;
  const inFlight = new RequestsInFlight({ options, logger, metrics, tracer });
  const planWaits = new PlanWaits({ limit: options.planning.waiting });
  const readingTurns = new ReadingTurns({ limit: 4 * options.planning.waiting });
  const overload = new Overload({
    options: options.overload,
    inFlight: {
      get size() {
        return inFlight.admitted - planWaits.size - readingTurns.size;
      },
      get working() {
        return inFlight.working - planWaits.size - readingTurns.size;
      },
    },
    requests: inFlight,
    statistics: metrics.overload,
    onFullHeap: () => {
      clients.operations.giveBack();
      clients.operationsOfOthers.giveBack();
    },
    logger,
  });
  inFlight.onEnd = () => overload.requestEnded();
  for (const waits of [planWaits, readingTurns]) waits.onWait = () => overload.slotFreed();
  const { requests, unsent: limit } = options.overload;
  const { body: bodyLimit } = options.limits;
  const unsent = new UnsentRequests({ requests, limit, inFlight, bodyLimit, logger });
  const refuse = createRefusal(requestError('OVERLOADED', {}, { headers: { 'retry-after': '1' } }));
  return {
    ...{ inFlight, planWaits, readingTurns, overload },
    slots: new Slots({ inFlight, overload, unsent, bodyLimit, refuse }),
    rates: Rates.of({
      ...{ rates: options.rates, meter: metrics.meter, previous, shared: stores.sharedCounts },
    }),
    close() {
      overload.close();
      unsent.close();
    },
  };
}
