import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { errorAnswer } from '../../http/error-answer';
import { pathOf } from '../../http/paths';
import { requestError } from '../../errors';
import type { Options } from '../../options';
import { healthAt } from '../clients/health';
import { addressOf, listen } from '../listen';
import type { OpenPart } from '../open-parts';

/** A port for probes alone. */
export interface HealthPort extends OpenPart {
  /** Undefined if it does not listen. */
  readonly url: string | undefined;
  /** @throws {OptionsError} if that is not possible */
  listen(): Promise<void>;
  /** Ends all connections: no probe holds up the end of the process. */
  close(): Promise<void>;
}

/**
 * Opens the port of `health.port`, which does not listen yet; without that option it never does.
 *
 * @param readiness why requests may be refused; empty if they are not
 */
export function openHealthPort({ host, port }: Options['health'], readiness: ReadReadiness): HealthPort {
  const server = createServer(timeouts, (request, response) => void answer(request, response, readiness));
  return {
    get url() {
      return server.listening ? addressOf(server.address()) : undefined;
    },
    listen: async () => {
      if (port !== undefined) await listen(server, host, port, 'health.port');
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

type ReadReadiness = () => readonly string[] | Promise<readonly string[]>;

/** In milliseconds. Connections are kept for longer than there is between two probes. */
const timeouts = { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 72_000 };

async function answer(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  readiness: ReadReadiness,
): Promise<void> {
  const reasons = await readiness();
  const health = method === 'GET' || method === 'HEAD' ? healthAt(pathOf(url), () => reasons) : undefined;
  if (health === undefined) {
    const { status, headers, body } = errorAnswer(nothingHere);
    response.writeHead(status, [...headers]).end(body);
    return;
  }
  response.writeHead(health.status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(health.body));
}

const nothingHere = requestError('NOT_FOUND', {
  reason: 'Nothing is served here, but /health/live, /health/ready.',
});
