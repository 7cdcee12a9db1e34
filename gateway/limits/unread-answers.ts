import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Logger } from '../telemetry/logger';

export interface UnreadAnswersOptions {
  /** Bytes of answers that may wait in this process. */
  readonly limit: number;
  /** Those that are not sent yet, of HTTP/1.1 or HTTP/2. */
  readonly responses: () => Iterable<ServerResponse>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Keeps clients that do not read from filling the memory with their answers. What the system's buffers take counts as
 * read: whoever reads at all, however slowly, hardly ever keeps anything here.
 *
 * While too much waits, connections on which something has waited for a second are cut, those first that keep the most.
 */
export class UnreadAnswers {
  /** Whether too much waits, so that nothing should be added to it. */
  isTooMuch = false;
  readonly #options: UnreadAnswersOptions;
  /** When something was seen first that has waited on a connection ever since, in milliseconds. */
  #since = new Map<Connection, number>();

  constructor(options: UnreadAnswersOptions) {
    this.#options = options;
  }

  /** To be called a few times in a second. */
  look(now: number): void {
    const { limit, responses, logger } = this.#options;
    const unread = new Map<Connection, number>();
    let bytes = 0;
    for (const response of responses()) {
      const { writableLength } = response;
      if (writableLength === 0) continue;
      const connection = connectionOf(response);
      unread.set(connection, (unread.get(connection) ?? 0) + writableLength);
      bytes += writableLength;
    }
    this.#since = new Map([...unread.keys()].map((each) => [each, this.#since.get(each) ?? now]));
    this.isTooMuch = bytes > limit;
    if (!this.isTooMuch) return;
    let cut = 0;
    for (const [connection, its] of [...unread].sort(([, one], [, other]) => other - one)) {
      if (now - this.#since.get(connection)! < patience) continue;
      connection.destroy();
      cut++;
      bytes -= its;
      if (bytes <= limit) break;
    }
    this.isTooMuch = bytes > limit;
    if (cut > 0) logger.warn({ connections: cut }, 'clients do not read their answers: connections were cut');
  }
}

/** Milliseconds. */
const patience = 1000;

interface Connection {
  destroy(): unknown;
}

/** Of HTTP/2 the whole session: its streams wait for the same client. */
function connectionOf(response: ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>): Connection {
  return response.stream?.session ?? response.req.socket;
}
