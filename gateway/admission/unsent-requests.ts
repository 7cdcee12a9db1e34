import type { IncomingRequest } from '../request/incoming-request';
import type { Sink, Upload } from '../request/sink';
import type { Logger } from '../telemetry/logger';

export interface UnsentRequestsOptions {
  readonly requests: number;
  /** The most bytes that may be held for them and for requests that wait for a slot. */
  readonly limit: number;
  readonly inFlight: Iterable<
    Pick<IncomingRequest, 'sender' | 'start' | 'isAdmitted' | 'received'> & {
      readonly sink: Pick<Sink, 'upload'>;
    }
  >;
  /** The most bytes of a body. */
  readonly bodyLimit: number;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not finish their requests from filling the memory. Arriving requests hold no slot, so they may
 * take their time. When there are too many of them, or they hold too much memory, drops just enough: from the sender
 * holding most, largest first, and of equal ones the oldest.
 */
export class UnsentRequests {
  /** Whether requests that wait for a slot take up what is left of the memory, so that no large ones should be added. */
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
    let arriving: UnsentUpload[] = [];
    let waiting = 0;
    for (const request of inFlight) {
      if (request.isAdmitted) continue;
      const { sender, start } = request;
      const { upload } = request.sink;
      const kept = request.received || (upload?.kept(bodyLimit) ?? 0);
      if (upload === undefined || upload.hasArrived) waiting += kept;
      else arriving.push({ upload, sender, start, kept });
    }
    const before = arriving.length;
    for (const [most, weightOf] of [
      [requests, () => 1],
      [limit, ({ kept }: UnsentUpload) => kept],
    ] as const) {
      const given = tooMuch(arriving, most, weightOf);
      if (given.size > 0) arriving = arriving.filter((each) => !given.has(each));
      for (const { upload } of given) upload.giveUp();
    }
    this.isTooMuch = arriving.reduce((sum, { kept }) => sum + kept, waiting) > limit;
    const given = before - arriving.length;
    if (given > 0)
      logger.warn({ requests: given }, 'clients do not finish their requests: requests were dropped');
  }
}

/** Milliseconds between two checks. */
const lookInterval = 100;

interface UnsentUpload extends MemoryHolder {
  readonly upload: Upload;
}

export interface MemoryHolder {
  readonly sender: string;
  readonly start: number;
  readonly kept: number;
}

/** The requests to drop so that at most `most` is left, shared equally by all senders. */
export function tooMuch<Each extends MemoryHolder>(
  arriving: readonly Each[],
  most: number,
  weightOf: (each: Each) => number,
): Set<Each> {
  const gone = new Set<Each>();
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
