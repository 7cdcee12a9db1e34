import type { Distribution, Histogram, Meter } from '../metrics/meter';
import type { AttributesOf } from '../metrics/metric-table';
import type { Span } from '../traces/span';

/**
 * Records an HTTP request.
 *
 * @param status of the response; 0 without one
 * @param failure why there is no response that can be used
 * @param span of the call; undefined where none is recorded
 * @param method its HTTP method
 */
export type RecordCall = (
  seconds: number,
  status: number,
  failure: string | undefined,
  span: Span | undefined,
  method: string,
) => void;

/** Durations of HTTP requests to subgraphs. */
export class SubgraphDurations {
  readonly #durations: Histogram<AttributesOf<'http.client.request.duration'>>;
  /** Those with series of their own, each with its subgraph. */
  readonly #endpoints = new Set<string>();

  constructor(meter: Meter) {
    this.#durations = meter.histogram('http.client.request.duration');
  }

  /** A recorder for the calls of one endpoint. */
  to(subgraph: string, { host, hostname, port, protocol }: URL): RecordCall {
    const usualPort = protocol === 'https:' ? 443 : 80;
    const endpoint = `${subgraph} ${host}`;
    /** By method, then by status or failure. A source schema names few methods. */
    const methods = new Map<string, Map<number | string, Distribution>>();
    return (seconds, status, failure, span, method) => {
      const series = methods.get(method) ?? new Map<number | string, Distribution>();
      methods.set(method, series);
      let distribution = series.get(failure ?? status);
      if (distribution === undefined) {
        if (this.#endpoints.size < mostEndpoints) this.#endpoints.add(endpoint);
        const isOwn = this.#endpoints.has(endpoint);
        distribution = this.#durations.of({
          subgraph: isOwn ? subgraph : 'other',
          'http.request.method': method,
          'server.address': isOwn ? hostname : 'other',
          'server.port': !isOwn ? undefined : port === '' ? usualPort : Number(port),
          // Not for a failure, as there would be a series per status.
          'http.response.status_code': failure === undefined ? status : undefined,
          'error.type': failure ?? (isFailure(status, method) ? String(status) : undefined),
        });
        series.set(failure ?? status, distribution);
      }
      distribution.record(seconds, span);
    };
  }
}

/** More than graphs have, unless each new one brings others. */
const mostEndpoints = 1_000;

/** Whether a response counts as failed. Only REST sources get a GET: 404 and 410 are their answers for what does not exist. */
export const isFailure = (status: number, method: unknown): boolean =>
  status >= 400 && !(method === 'GET' && (status === 404 || status === 410));
