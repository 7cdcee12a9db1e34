import type { RunningGateway } from '../../gateway';

// oxlint-disable-next-line typescript/no-explicit-any -- tests read answers as they come
export type Json = any;

export interface TestGateway extends RunningGateway {
  /** The log lines so far. */
  readonly log: Json[];
  /** Sends an operation as a client does. */
  post(
    body: unknown,
    init?: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal },
  ): Promise<Response>;
  /** Sends an operation and returns the answer's body. */
  query(query: string, variables?: Record<string, unknown>): Promise<Json>;
  metrics(): Promise<string>;
  /** How many requests are not answered yet, by its metrics. */
  inFlight(): Promise<number>;
}

/** What tests do with a gateway at its `url`. */
export function testGateway(gateway: RunningGateway, log: Json[]): TestGateway {
  const post: TestGateway['post'] = (body, { headers = {}, signal } = {}) =>
    fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  return {
    ...gateway,
    log,
    post,
    query: async (query, variables) => (await post({ query, variables })).json(),
    inFlight: async () => sampleSum(await gateway.metrics(), 'http_server_active_requests'),
  };
}

/** The sum of all samples of a metric in Prometheus' text format. */
export function sampleSum(text: string, metric: string): number {
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
