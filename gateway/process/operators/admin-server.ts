import { createServer, type Server } from 'node:http';
import type { ConsoleOptions } from '../../console/routes';
import type { MetricsFormat } from '../../telemetry/metrics/prometheus';
import type * as AdminRoutes from './admin-routes';
import type { healthRoutes } from '../clients/health';
import type { InvalidationRouteOptions } from './invalidation-route';

export interface AdminServerOptions {
  /** Returns the metrics as text. */
  readonly metrics: (format: MetricsFormat) => string | Promise<string>;
  readonly readiness: Parameters<typeof healthRoutes>[1];
  /** The bearer token for everything but health. Without it metrics are open, and nothing can be changed. */
  readonly token: string | undefined;
  /** Without a token nothing can be changed. */
  readonly invalidation: InvalidationRouteOptions | undefined;
  /** Undefined without the console. */
  readonly console: Omit<ConsoleOptions, 'token' | 'folder'> | undefined;
}

/** The port for operators. */
export interface AdminServer {
  readonly server: Server;
  /** Ends all connections: no client of this port, however slow, holds up the end of the process. */
  close(): Promise<void>;
}

/**
 * Creates the server of the port for operators, which does not listen yet. Its routes are loaded with its first request, or
 * `preloadDelay` after it has begun to listen: they are not needed to answer clients, and take 80 ms of a start.
 */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  let routes: ReturnType<typeof AdminRoutes.adminRoutes> | undefined;
  const load = (): NonNullable<typeof routes> =>
    (routes ??= (require('./admin-routes') as typeof AdminRoutes).adminRoutes(options, server));
  const server = createServer({ keepAliveTimeout }, (request, response) => {
    void load().then((answer) => answer(request, response));
  });
  let preload: NodeJS.Timeout | undefined;
  server.once('listening', () => {
    preload = setTimeout(() => void load(), preloadDelay).unref();
  });
  return {
    server,
    async close() {
      clearTimeout(preload);
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Milliseconds without a request after which a connection is closed: longer than between two scrapes of metrics. */
const keepAliveTimeout = 72_000;

/** Milliseconds. Under load the first request would delay those of clients, as nothing else runs while routes are loaded. */
const preloadDelay = 1000;
