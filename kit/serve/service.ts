import Fastify, { type FastifyInstance } from 'fastify';
import { runProcess } from './process';
import { readSettings, serviceUsage, type Settings } from './settings';
import { cannotListen } from './start-error';

/** A service of the sample shop that is no subgraph: a plain GraphQL API or a REST API. */
export interface Service {
  readonly name: string;
  readonly port: number;
  /** Of its API, such as `/graphql`; `''` for a REST API at the root. */
  readonly path: string;
  /** Adds its routes. */
  readonly serve: (app: FastifyInstance) => void | Promise<void>;
}

export interface RunningService {
  /** URL of its API, without a slash at the end. */
  readonly url: string;
  readonly log: FastifyInstance['log'];
  stop(): Promise<void>;
}

/** Starts a service; it also answers `GET /health/ready`. */
export async function startService(
  { name, port: ownPort, path, serve }: Service,
  {
    host = '127.0.0.1',
    port = ownPort,
    logLevel = 'info',
  }: Pick<Settings, 'host' | 'port' | 'logLevel'> = {},
): Promise<RunningService> {
  const app = Fastify({ logger: { level: logLevel, base: { subgraph: name } }, forceCloseConnections: true });
  app.get('/health/ready', () => ({ status: 'ready' }));
  await serve(app);
  const origin = await app.listen({ host, port }).catch((error: unknown) => {
    throw cannotListen(error, host, port);
  });
  return { url: origin + path, log: app.log, stop: () => app.close() };
}

/** Runs the service as a process of its own if `module` is the one that node was started with. */
export function runServiceWhenMain(module: NodeJS.Module, service: Service): void {
  if (require.main !== module) return;
  void runProcess({
    name: service.name,
    usage: () => serviceUsage(service),
    start: (args) => startService(service, readSettings({}, args)),
  });
}
