import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export interface ContinueOptions {
  /** Bytes that a body may have at this moment. */
  readonly bodyLimit: () => number;
  /** Whether connections are kept after an answer. */
  readonly keepsConnections: () => boolean;
}

/**
 * Gives clients that wait for it leave to send their bodies (`Expect: 100-continue`: RFC 9110, section 10.1.1), where
 * Node would give it to all. What is refused before anything is read gets its refusal in place of it: a body that says
 * that it is too large, and who is not let in, where that is known without the body; also when that takes its time.
 */
export function giveLeave(server: Server, { bodyLimit, keepsConnections }: ContinueOptions): void {
  server.on('checkContinue', (request: Undecided, response: ServerResponse) => {
    const { shouldKeepAlive } = response;
    // A client that was refused may send its body nevertheless: what comes next may not be taken for a request.
    response.shouldKeepAlive = false;
    const give = (): void => {
      const isTooLarge = Number(request.headers['content-length'] ?? 0) > bodyLimit();
      if (isTooLarge || response.headersSent || response.writableEnded) return;
      response.shouldKeepAlive = shouldKeepAlive && keepsConnections();
      const leave = (): void => {
        if (!response.headersSent) response.writeContinue();
      };
      // Of a response whose turn has not come Node would write it into the middle of the answer.
      if (response.socket === null) response.once('socket', leave);
      else leave();
    };
    request[giveKey] = give;
    server.emit('request', request, response);
    holdLeave(request)();
  });
}

/** Has a client wait for its leave until what is returned is called, which does nothing where nobody waits for it. */
export function holdLeave(request: Undecided): () => void {
  const give = request[giveKey];
  request[giveKey] = undefined;
  return () => give?.();
}

const giveKey = Symbol('give');

type Undecided = IncomingMessage & { [giveKey]?: (() => void) | undefined };
