import type { IncomingRequest } from '../request/incoming-request';
import type { Sink, Upload } from '../request/sink';
import type { Logger } from '../telemetry/logger';

export interface UnsentRequestsOptions {
  /** How many may be arriving. */
  readonly requests: number;
  /** Bytes that may be kept of them, and of those that wait for a place. */
  readonly limit: number;
  readonly inFlight: Iterable<
    Pick<IncomingRequest, 'sender' | 'start' | 'hasSlot'> & { readonly sink: Pick<Sink, 'upload'> }
  >;
  /** Bytes that a body may have. */
  readonly bodyLimit: number;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not send what they have begun from filling the memory: they cost themselves nothing. Requests
 * that arrive take no place, so they may take their time. When there are too many, or too much is kept of them, so many
 * are given up as have to be: of who has most of it, those of which the most is kept, and of equal ones the oldest.
 */
export class UnsentRequests {
  /** Whether what waits for a place keeps what is left of the memory, so that nothing large should be added to it. */
  isTooMuch = false;
  readonly #options: UnsentRequestsOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(options: UnsentRequestsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookInterval).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { requests, limit, inFlight, bodyLimit, logger } = this.#options;
    let arriving: Arriving[] = [];
    let waiting = 0;
    for (const request of inFlight) {
      if (request.hasSlot) continue;
      const { sender, start } = request;
      const { upload } = request.sink;
      if (upload === undefined) continue;
      const kept = upload.kept(bodyLimit);
      if (upload.hasArrived) waiting += kept;
      else arriving.push({ upload, sender, start, kept });
    }
    const before = arriving.length;
    for (const [most, weightOf] of [
      [requests, () => 1],
      [limit, ({ kept }: Arriving) => kept],
    ] as const) {
      const given = tooMuch(arriving, most, weightOf);
      if (given.size > 0) arriving = arriving.filter((each) => !given.has(each));
      for (const { upload } of given) upload.giveUp();
    }
    this.isTooMuch = arriving.reduce((sum, { kept }) => sum + kept, waiting) > limit;
    const given = before - arriving.length;
    if (given > 0)
      logger.warn({ requests: given }, 'clients do not send what they have begun: requests were given up');
  }
}

/** Milliseconds. */
const lookInterval = 100;

interface Arriving {
  readonly upload: Upload;
  readonly sender: string;
  readonly start: number;
  readonly kept: number;
}

/** What has to go so that no more than `most` is left, everybody having the same share of it. */
function tooMuch(
  arriving: readonly Arriving[],
  most: number,
  weightOf: (each: Arriving) => number,
): Set<Arriving> {
  const gone = new Set<Arriving>();
  let sum = arriving.reduce((sum, each) => sum + weightOf(each), 0);
  if (sum <= most) return gone;
  const shares = new Map<string, number>();
  const ranked = arriving
    .toSorted((one, other) => one.kept - other.kept || other.start - one.start)
    .map((each) => {
      const share = (shares.get(each.sender) ?? 0) + weightOf(each);
      shares.set(each.sender, share);
      return { each, share };
    })
    .sort((one, other) => other.share - one.share);
  for (const { each } of ranked) {
    if (sum <= most) break;
    gone.add(each);
    sum -= weightOf(each);
  }
  return gone;
}
