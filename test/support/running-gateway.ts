import { startGateway, type GatewayOptions, type RunningGateway } from '../../gateway';
import type { SupergraphListener, SupergraphSource } from '../../gateway';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read answers as they come
export type Json = any;

/** A source that reports what the test gives it. */
export interface TestSource extends SupergraphSource {
  report(supergraphSdl: string): void;
  stopped: boolean;
}

export function sourceOf(supergraphSdl: string | undefined): TestSource {
  let listener: SupergraphListener | undefined;
  const source: TestSource = {
    stopped: false,
    start: async (to) => {
      listener = to;
      return supergraphSdl;
    },
    report: (newer) => listener!.onSupergraph(newer),
    stop: async () => {
      source.stopped = true;
    },
  };
  return source;
}

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

/** A gateway on free ports that keeps its log to itself. */
export async function startTestGateway(options: GatewayOptions): Promise<TestGateway> {
  const log: Json[] = [];
  const gateway = await startGateway({
    port: 0,
    admin: { port: 0 },
    logDestination: { write: (line) => log.push(JSON.parse(line)) },
    ...options,
  });
  const post: TestGateway['post'] = (body, { headers = {}, signal } = {}) =>
    fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  const metrics: TestGateway['metrics'] = async () => {
    const token = options.admin?.token;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await fetch(`${gateway.adminUrl}/metrics`, { headers })).text();
  };
  return {
    ...gateway,
    log,
    post,
    query: async (query, variables) => (await post({ query, variables })).json(),
    metrics,
    inFlight: async () => sampleSum(await metrics(), 'http_server_active_requests'),
  };
}

/** The sum of all samples of a metric in Prometheus' text format. */
export function sampleSum(text: string, metric: string): number {
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
