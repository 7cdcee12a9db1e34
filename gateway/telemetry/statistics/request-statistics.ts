import type { IncomingRequest } from '../../request/incoming-request';
import type { Distribution, Histogram, Meter, Total } from '../metrics/meter';
import type { AttributesOf } from '../metrics/metric-table';
import { type TopSeries, topSeriesOf } from '../metrics/top-series';

export type MeasuredRequest = Pick<
  IncomingRequest,
  | ('head' | 'operation' | 'earlierOperations' | 'clientName' | 'clientVersion')
  | ('span' | 'id' | 'codes' | 'errors' | 'cacheResult' | 'callsSent' | 'graphLabel')
>;

/** Called with each request to the endpoint. @param status of the answer; undefined if the client left before it */
export type RequestListener = (request: MeasuredRequest, status: number | undefined, seconds: number) => void;

/** Counts client requests by result, by operation and by client. */
export class RequestStatistics {
  readonly #scheme: 'http' | 'https';
  readonly #durations: Histogram<AttributesOf<'http.server.request.duration'>>;
  /** By path, by method with the graph, and by status. */
  readonly #series = new Map<string | undefined, Map<string, Map<number, Distribution>>>();
  readonly #operations: Readonly<Record<string, TopSeries<Distribution>>>;
  readonly #clients: TopSeries<Total>;
  readonly #unnamedClients: Total;
  /** Undefined where nobody else counts requests. */
  listener: RequestListener | undefined;

  constructor(meter: Meter, scheme: 'http' | 'https') {
    this.#scheme = scheme;
    this.#durations = meter.histogram('http.server.request.duration');
    const operations = meter.histogram('weir.graphql.operation.duration');
    const topOperations = (type: string) =>
      topSeriesOf(operations, 'other', (name) => ({
        'graphql.operation.type': type,
        'graphql.operation.name': name,
      }));
    this.#operations = {
      query: topOperations('query'),
      mutation: topOperations('mutation'),
    };
    const clients = meter.sum('weir.client.requests');
    this.#clients = topSeriesOf(clients, 'other\nother', (key) => {
      const [name, version] = key.split('\n');
      return { 'client.name': name, 'client.version': version };
    });
    this.#unnamedClients = clients.of({ 'client.name': undefined, 'client.version': undefined });
  }

  /**
   * @param route the path of the endpoint, or of the tools of agents; undefined if it was sent to another one
   * @param status of the answer; undefined if the client left before it
   */
  record(
    request: MeasuredRequest,
    route: string | undefined,
    status: number | undefined,
    seconds: number,
  ): void {
    const { operation, earlierOperations, clientName, clientVersion, span } = request;
    this.#durationOf(request, route, status).record(seconds, span);
    if (route === undefined) return;
    this.listener?.(request, status, seconds);
    if (clientName === '' && clientVersion === '') this.#unnamedClients.value++;
    else this.#clients.of(`${printable(clientName)}\n${printable(clientVersion)}`).value++;
    if (operation !== undefined) this.#recordOperation(operation, seconds, span);
    if (earlierOperations !== undefined)
      for (const each of earlierOperations) this.#recordOperation(each, seconds, span);
  }

  /** Called before metrics are collected. */
  review(): void {
    for (const series of Object.values(this.#operations)) series.review();
    this.#clients.review();
  }

  #recordOperation(
    { type, name }: NonNullable<MeasuredRequest['operation']>,
    seconds: number,
    span: MeasuredRequest['span'],
  ): void {
    this.#operations[type]?.of(name ?? 'anonymous').record(seconds, span);
  }

  #durationOf(
    { head, graphLabel: graph }: Pick<MeasuredRequest, 'head' | 'graphLabel'>,
    route: string | undefined,
    status: number | undefined,
  ): Distribution {
    const method = knownMethod(head.method);
    const seriesKey = graph === undefined ? method : `${method} ${graph}`;
    let byMethod = this.#series.get(route);
    if (byMethod === undefined)
      this.#series.set(route, (byMethod = new Map<string, Map<number, Distribution>>()));
    let byStatus = byMethod.get(seriesKey);
    if (byStatus === undefined) byMethod.set(seriesKey, (byStatus = new Map<number, Distribution>()));
    const key = status ?? clientGone;
    let series = byStatus.get(key);
    if (series === undefined) {
      series = this.#durations.of({
        'http.request.method': method,
        'url.scheme': this.#scheme,
        'http.route': route,
        'http.response.status_code': status,
        'error.type': errorType(status),
        'weir.graph': graph,
      });
      byStatus.set(key, series);
    }
    return series;
  }
}

/** The method as a label. Unknown methods are `_OTHER`, as an HTTP/2 client may send any method. */
export const knownMethod = (method: string): string => (methods.has(method) ? method : '_OTHER');

/** Of RFC 9110 and RFC 5789. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** A number that is no HTTP status. */
const clientGone = 1;

function errorType(status: number | undefined): string | undefined {
  if (status === undefined) return 'client_disconnected';
  return status >= 500 ? String(status) : undefined;
}

/** A client name as a label. Characters that are not printable ASCII become question marks. */
const printable = (name: string): string => (/^[ -~]*$/.test(name) ? name : name.replace(/[^ -~]/g, '?'));
