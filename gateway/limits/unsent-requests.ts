import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { WholeRequest } from '../edge/whole-messages';
import type { Logger } from '../telemetry/logger';

export interface UnsentRequestsOptions {
  /** Bytes of requests that may be kept in this process until the rest of them comes. */
  readonly limit: number;
  /** Of the requests that are being served, of HTTP/1.1 or HTTP/2. */
  readonly responses: () => Iterable<ServerResponse>;
  /** Answers that the request did not arrive in time, and waits for no more of it. */
  readonly giveUp: (response: ServerResponse) => void;
  /** Bytes that a body may have. */
  readonly bodyLimit: number;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not send what they have begun from taking the places of others, and from filling the memory:
 * they cost themselves nothing.
 *
 * While there is no place for others, requests that have been arriving for a second are given up; while too much is
 * kept of them, those first of which the most is kept, and no more of them than have to be.
 */
export class UnsentRequests {
  /** Whether too much is kept, so that nothing should be added to it. */
  isTooMuch = false;
  readonly #options: UnsentRequestsOptions;
  /** When it was seen first of a request that it has not arrived, in milliseconds. */
  #since = new Map<ServerResponse, number>();

  constructor(options: UnsentRequestsOptions) {
    this.#options = options;
  }

  /** To be called a few times in a second. */
  look(now: number, isFull: boolean): void {
    const { limit, responses, giveUp, logger } = this.#options;
    const since = new Map<ServerResponse, number>();
    const late: [ServerResponse, kept: number][] = [];
    let kept = 0;
    for (const response of responses()) {
      if (hasArrived(response)) continue;
      const first = this.#since.get(response) ?? now;
      since.set(response, first);
      const its = this.#keptOf(response);
      kept += its;
      if (now - first >= patience) late.push([response, its]);
    }
    this.#since = since;
    let given = 0;
    if (isFull || kept > limit) {
      for (const [response, its] of late.sort(([, one], [, other]) => other - one)) {
        if (!isFull && kept <= limit) break;
        since.delete(response);
        giveUp(response);
        kept -= its;
        given++;
      }
    }
    this.isTooMuch = kept > limit;
    if (given > 0)
      logger.warn({ requests: given }, 'clients do not send what they have begun: requests were given up');
  }

  /** At most; what becomes of a packed body, and what has come over HTTP/2, nobody counts. */
  #keptOf({ req }: ServerResponse<IncomingMessage & Partial<Pick<WholeRequest, 'arrived'>>>): number {
    const { bodyLimit } = this.#options;
    const { 'content-encoding': encoding, 'content-length': length } = req.headers;
    if (encoding !== undefined) return bodyLimit;
    return Math.min(req.arrived ?? Number(length ?? bodyLimit), bodyLimit);
  }
}

/** Milliseconds. */
const patience = 1000;

/** Of HTTP/2 a request is not complete before somebody has read it. */
const hasArrived = (response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): boolean =>
  response.stream === undefined ? response.req.complete : response.stream.state.remoteClose !== 0;
