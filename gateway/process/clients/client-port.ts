import type { Server } from 'node:http';
import { UnsentHeads } from '../../admission/unsent-heads';
import { sendContinues } from '../../http/body';
import { answerClientError } from '../../http/connection-errors';
import { isProbe } from '../../http/paths';
import type { Options } from '../../options';
import { knownMethod } from '../../telemetry/statistics/request-statistics';
import { WebSockets } from '../../websocket/web-sockets';
import { followCertificates } from './certificates';
import type { Configurations } from '../configurations';
import { type ConnectionSource, type DrainTimes, prepareDrain } from './drain';
import type { Lifecycle } from '../lifecycle';
import { addressOf, listen } from '../listen';
import { createListener } from './listener';
import type { OpenPart } from '../open-parts';
import { opensWebSocket } from './routes';
import type { Telemetry } from '../telemetry';

export interface ClientPortParts {
  readonly configurations: Configurations;
  readonly lifecycle: Lifecycle;
  readonly telemetry: Telemetry;
  /** The source of connections if another process listens. */
  readonly source: ConnectionSource | undefined;
}

/** Where clients connect. */
export interface ClientPort extends OpenPart {
  /** The URL of the GraphQL endpoint. */
  readonly endpoint: string;
  /** @throws {OptionsError} if that is not possible */
  listen(): Promise<void>;
  /** Takes no connections any more. Resolves when all requests are answered, or given up. */
  drain(times: DrainTimes): Promise<void>;
}

export function openClientPort(
  options: Options,
  { configurations, lifecycle, telemetry: { metrics, logger }, source }: ClientPortParts,
): ClientPort {
  const { host, port, path, tls } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  const webSockets = new WebSockets({
    current: () => configurations.current.steps,
    statistics: metrics.webSockets,
    logger,
  });
  const server = createListener(
    options,
    (request, response) => configurations.current.handle(request, response),
    {
      mayUpgrade: (request) => opensWebSocket(request, configurations.current.options),
      upgrade: (request, socket, head) => {
        unsentHeads.forget(socket);
        webSockets.upgrade(request, socket, head);
      },
    },
  );
  const stopFollowing = tls && followCertificates(server, tls, logger);
  server.on('clientError', answerClientError);
  const limit = (): number => configurations.current.options.overload.unsent;
  const unsentHeads = new UnsentHeads({ server, limit, logger });
  sendContinues(server, {
    bodyLimit: () => configurations.current.options.limits.body,
    keepsConnections: () => lifecycle.state !== 'stopping',
  });
  metrics.meter.observe('http.server.active_requests', (observe) => {
    const count = (method: string, value: number): void =>
      observe(value, { 'http.request.method': knownMethod(method), 'url.scheme': scheme });
    for (const method of ['GET', 'POST']) count(method, 0);
    for (const { head } of configurations.unanswered) if (!isProbe(head.url)) count(head.method, 1);
  });
  const drain = prepareDrain({
    server,
    inFlight: () => configurations.unanswered.length,
    giveUp: () => configurations.giveUp(),
    // Clients that come back elsewhere must have the time to be let in there.
    dismissLasting: (grace) => void webSockets.goAway(grace * dismissalShare),
    source,
  });
  return {
    get endpoint() {
      return `${addressOf(server.address() ?? options, scheme)}${path}`;
    },
    async listen() {
      if (source === undefined) await listen(server, host, port, 'port');
      else take(source, server);
    },
    drain,
    close() {
      stopFollowing?.();
      server.close();
      unsentHeads.close();
      webSockets.close();
    },
  };
}

/** The share of the grace in which connections that last are closed. */
const dismissalShare = 0.8;

/** Makes the server serve connections that another process accepts. */
function take(connections: ConnectionSource, server: Server): void {
  // With this event Node starts checking the server's connections for idle and slow ones.
  server.emit('listening');
  connections.start((connection) => server.emit('connection', connection));
}
