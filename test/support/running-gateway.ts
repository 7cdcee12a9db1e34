import type { GatewayOptions } from '../../gateway';
import type { SupergraphListener, SupergraphSource } from '../../gateway';
import { openGateway, type OpenGatewayParts } from '../../gateway/process/start-gateway';
import { type Json, testGateway, type TestGateway } from './test-gateway';

export { sampleSum } from './test-gateway';
export type { Json, TestGateway };

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

/** A gateway on free ports that keeps its log to itself. */
export async function startTestGateway({
  transport,
  ...options
}: GatewayOptions & Pick<OpenGatewayParts, 'transport'>): Promise<TestGateway> {
  const log: Json[] = [];
  const { gateway } = await openGateway(
    {
      port: 0,
      admin: { port: 0 },
      logDestination: { write: (line) => log.push(JSON.parse(line)) },
      ...options,
    },
    { transport },
  );
  const metrics: TestGateway['metrics'] = async () => {
    const token = options.admin?.token;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await fetch(`${gateway.adminUrl}/metrics`, { headers })).text();
  };
  return testGateway({ ...gateway, metrics }, log);
}
