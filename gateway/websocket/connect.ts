import type { IncomingHttpHeaders } from 'node:http';
import type { GraphQLError } from 'graphql';
import type { Proof } from '../auth/authenticator';
import type { ClientAnswer, Sink } from '../request/sink';
import type { ProtocolOptions } from './protocol';
import { refusalIn, type SentError } from './refusal';
import type { ConnectionSteps } from './steps';

export interface ConnectOptions extends Pick<ProtocolOptions, 'handshake' | 'identities'> {
  readonly steps: ConnectionSteps;
  /** With the credentials. */
  readonly headers: IncomingHttpHeaders;
  /** Whether the operations of the connection have no credentials of their own: a signature opens one connection then. */
  readonly isProvedOnce: boolean;
  /** @param proof undefined without any auth mode */
  readonly onConnected: (proof: Proof | undefined) => void;
  /** @param status as over HTTP */
  readonly onRefused: (status: number, error: SentError) => void;
}

/**
 * Authenticates the client of a connection, which is a request of its own: it has a line in the access log, with 101 or the
 * status of the refusal. Returns a function that is to be called when the client leaves.
 *
 * A signature is that of AppSync's clients: of a POST of `{}` to `/connect` below the endpoint.
 */
export function connect({
  steps,
  handshake,
  identities,
  headers,
  isProvedOnce,
  onConnected,
  onRefused,
}: ConnectOptions): () => void {
  const { requests, pipeline, options } = steps;
  const sink = new ConnectSink((status, error) => {
    requests.end(request, status);
    onRefused(status, error);
  });
  const head = { method: 'GET', url: handshake.url, headers };
  const request = requests.begin(head, handshake.address, sink, performance.now());
  const received = {
    ...{ requestId: request.id, method: 'POST', url: `${options.path}/connect`, headers },
    body: noOperation,
  };
  let hasLeft = false;
  let release: (() => void) | undefined;
  pipeline.connect(request, received, () => {
    // Credentials may take a while to be checked.
    if (hasLeft) return;
    try {
      // It lets in whatever is sent over the connection, mutations too: once.
      if (isProvedOnce) request.proof?.admitMutation?.();
      release = identities.acquire(request.identity, options.subscriptions.connectionsPerIdentity);
    } catch (error) {
      pipeline.refuse(request, error as GraphQLError);
      return;
    }
    requests.end(request, SWITCHING_PROTOCOLS);
    onConnected(request.proof);
  });
  return () => {
    hasLeft = true;
    requests.end(request, undefined);
    release?.();
  };
}

const noOperation = Buffer.from('{}');
const SWITCHING_PROTOCOLS = 101;

/** Is answered with nothing but a refusal, which the protocol has a form for. */
class ConnectSink implements Sink {
  isAnswered = false;
  readonly carriesParts = false;
  readonly events = undefined;
  readonly takesGaps = false;
  readonly incremental = undefined;
  readonly refusesInEvents = false;
  readonly upload = undefined;
  readonly download = undefined;
  readonly messages = undefined;
  readonly #onRefused: ConnectOptions['onRefused'];

  constructor(onRefused: ConnectOptions['onRefused']) {
    this.#onRefused = onRefused;
  }

  answer({ status, body }: ClientAnswer): void {
    this.isAnswered = true;
    const [error] = refusalIn(Buffer.from(body as Buffer | string)) ?? [];
    this.#onRefused(status, error ?? { message: 'The connection is refused.' });
  }
}
