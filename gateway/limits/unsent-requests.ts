import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Logger } from '../telemetry/logger';

export interface UnsentRequestsOptions {
  /** Of the requests that are being served, of HTTP/1.1 or HTTP/2. */
  readonly responses: () => Iterable<ServerResponse>;
  /** Answers that the request did not arrive in time, and waits for no more of it. */
  readonly giveUp: (response: ServerResponse) => void;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not send what they have begun from taking the places of others: they cost themselves nothing.
 *
 * While there is no place for others, requests that have been arriving for a second are given up.
 */
export class UnsentRequests {
  readonly #options: UnsentRequestsOptions;
  /** When it was seen first of a request that it has not arrived, in milliseconds. */
  #since = new Map<ServerResponse, number>();

  constructor(options: UnsentRequestsOptions) {
    this.#options = options;
  }

  /** To be called a few times in a second. */
  look(now: number, isFull: boolean): void {
    if (!isFull) {
      if (this.#since.size > 0) this.#since = new Map();
      return;
    }
    const { responses, giveUp, logger } = this.#options;
    const since = new Map<ServerResponse, number>();
    const late: ServerResponse[] = [];
    for (const response of responses()) {
      if (hasArrived(response)) continue;
      const first = this.#since.get(response) ?? now;
      if (now - first < patience) since.set(response, first);
      else late.push(response);
    }
    this.#since = since;
    for (const response of late) giveUp(response);
    if (late.length > 0)
      logger.warn(
        { requests: late.length },
        'clients do not send what they have begun: requests were given up',
      );
  }
}

/** Milliseconds. */
const patience = 1000;

/** Of HTTP/2 a request is not complete before somebody has read it. */
const hasArrived = (response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): boolean =>
  response.stream === undefined ? response.req.complete : response.stream.state.remoteClose !== 0;
