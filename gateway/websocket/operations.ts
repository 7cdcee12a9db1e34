import { ofConnection } from '../admission/stream-resets';
import type { Proof } from '../auth/authenticator';
import { requestError } from '../errors';
import { Allowance } from '../net/allowance';
import type { RequestHead } from '../request/incoming-request';
import type { IncrementalFormat } from '../request/sink';
import type { WebSocketConnection } from './connection';
import { type Envelope, type OperationsOfConnection, OperationSink } from './operation-sink';
import { GOING_AWAY, POLICY_VIOLATION } from './protocol';
import type { ConnectionSteps } from './steps';

/** An operation that a client begins. */
export interface BegunOperation {
  readonly id: string;
  /** As of a POST to the endpoint, with the credentials. */
  readonly head: RequestHead;
  /** JSON, as the body of a POST. */
  readonly body: Buffer;
  /** The format in which the client takes one answer in parts; undefined where it takes none. */
  readonly incremental: IncrementalFormat | undefined;
  /** What the credentials of the connection have proved; undefined where those in `head` are to be checked. */
  readonly proof?: Proof | undefined;
}

export interface OperationsOptions {
  readonly connection: WebSocketConnection;
  readonly envelope: Envelope;
  /** The address of the client. */
  readonly address: string;
  readonly current: () => ConnectionSteps;
}

/** The operations of one connection. Each is a request, which goes through the same steps as one over HTTP. */
export class ConnectionOperations implements OperationsOfConnection {
  readonly connection: WebSocketConnection;
  readonly envelope: Envelope;
  readonly #address: string;
  readonly #current: () => ConnectionSteps;
  /** By the ids that the client may not use again yet. */
  readonly #running = new Map<string, OperationSink>();
  /** Also those whose last message waits for the client. */
  readonly #all = new Set<OperationSink>();
  /** Of operations that are not answered. Undefined before the first one. */
  #stops: Allowance | undefined;
  #isGoingAway = false;

  constructor({ connection, envelope, address, current }: OperationsOptions) {
    this.connection = connection;
    this.envelope = envelope;
    this.#address = address;
    this.#current = current;
  }

  get count(): number {
    return this.#all.size;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  /** Begins an operation, unless the gateway is stopping: the close makes the client send it again elsewhere. */
  begin({ id, head, body, incremental, proof }: BegunOperation): void {
    if (this.#isGoingAway) return;
    const { requests, pipeline, options } = this.#current();
    const { perConnection: limit } = options.subscriptions;
    if (this.#all.size >= limit) {
      // At once, and not counted: a connection that sends thousands would fill the queue for slots with refusals.
      const { message, extensions } = requestError('MAX_CONNECTION_OPERATIONS_LIMIT', { limit });
      this.connection.send(
        this.envelope.errors(id, [{ message, extensions: { code: extensions['code'] as string } }]),
      );
      return;
    }
    const sink = new OperationSink(id, incremental, this);
    const request = requests.begin(head, this.#address, sink, performance.now());
    sink.belongTo(request, requests);
    this.#running.set(id, sink);
    this.#all.add(sink);
    request.proof = proof;
    pipeline.admit(request, body);
  }

  /**
   * The client does not want the rest of an operation. Beginning and stopping it costs a client a few bytes, and the limit of
   * operations does not bound it: too often, it closes the connection, as resets of HTTP/2 streams do.
   */
  stop(id: string): void {
    const sink = this.#running.get(id);
    if (sink === undefined) return;
    sink.stop();
    if (sink.isAnswered) return;
    this.#stops ??= new Allowance(ofConnection);
    if (this.#stops.take(performance.now())) return;
    this.connection.close(POLICY_VIOLATION, 'Too many operations were stopped before their answers.');
  }

  /** Closes the connection as soon as no answers but streams are awaited. */
  goAway(): void {
    this.#isGoingAway = true;
    for (const { isStream } of this.#all) if (!isStream) return;
    this.connection.close(GOING_AWAY, 'The gateway is shutting down.');
  }

  /** The client has left. */
  leave(): void {
    for (const sink of [...this.#all]) sink.leave();
    this.#running.clear();
  }

  free(sink: OperationSink): void {
    this.#running.delete(sink.id);
  }

  forget(sink: OperationSink): void {
    this.#all.delete(sink);
    if (this.#isGoingAway) this.goAway();
  }
}
