import type { ErrorCode } from '../errors';
import type { IncomingRequest } from '../request/incoming-request';
import type { RequestsInFlight } from '../request/requests-in-flight';
import type {
  ClientAnswer,
  Download,
  EventsProtocol,
  IncrementalFormat,
  ResponsePart,
  ResponseParts,
  Sink,
} from '../request/sink';
import type { WebSocketConnection } from './connection';
import { refusalIn, type SentError } from './refusal';
import { longestCopy } from './text-frame';

/** The messages in which a protocol sends what becomes of an operation. */
export interface Envelope {
  readonly protocol: EventsProtocol;
  /** The message with which a stream of results begins; undefined where the protocol has none. */
  begin(id: string): string | undefined;
  /** What stands before a result in its message; a closing brace stands after it. */
  beforeResult(id: string): string;
  /** A result in the form that clients of the protocol read; undefined where they read every result as it is. */
  readonly readable?: (body: Buffer) => Buffer;
  /** Whether clients of the protocol read results without data. */
  readonly readsNullData: boolean;
  /** Ends the operation with errors. */
  errors(id: string, errors: readonly SentError[]): string;
  /** Ends the operation; a stream comes to its own end. */
  complete(id: string, isStream: boolean): string;
}

/** What the operations of a connection share. */
export interface OperationsOfConnection {
  readonly connection: WebSocketConnection;
  readonly envelope: Envelope;
  /** How many operations there are whose last message is not taken by their client. */
  readonly count: number;
  /** Has the client come back elsewhere. */
  goAway(): void;
  /** Called when an operation has sent its last message, or is not wanted any more: its id is free. */
  free(sink: OperationSink): void;
  /** Called when its client has taken the last message. */
  forget(sink: OperationSink): void;
}

/** Sends what becomes of one operation of a connection. */
export class OperationSink implements Sink, Download {
  isAnswered = false;
  readonly carriesParts = true;
  readonly events: EventsProtocol;
  readonly refusesInEvents = false;
  readonly takesGaps: boolean;
  readonly incremental: IncrementalFormat | undefined;
  readonly upload = undefined;
  readonly messages = undefined;
  readonly id: string;
  /** Whether it is answered with events, which have no end that a client could wait for. */
  isStream = false;
  readonly #operations: OperationsOfConnection;
  #request: IncomingRequest | undefined;
  #requests: Pick<RequestsInFlight, 'end'> | undefined;
  /** Whether its last message is sent, or nobody waits for one any more. */
  #isOver = false;
  #beforeResult: Buffer | undefined;
  #body: Buffer | undefined;

  constructor(id: string, incremental: IncrementalFormat | undefined, operations: OperationsOfConnection) {
    this.id = id;
    this.incremental = incremental;
    this.#operations = operations;
    this.events = operations.envelope.protocol;
    this.takesGaps = operations.envelope.readsNullData;
  }

  /** Sets whose answer goes here, and where it ends. To be called once, before anything else. */
  belongTo(request: IncomingRequest, requests: Pick<RequestsInFlight, 'end'>): void {
    this.#request = request;
    this.#requests = requests;
  }

  answer({ status, body, release }: ClientAnswer): void {
    this.isAnswered = true;
    if (typeof body === 'object' && !Buffer.isBuffer(body)) {
      void this.#sendParts(body, status);
      return;
    }
    if (body !== undefined) this.#send(Buffer.isBuffer(body) ? body : Buffer.from(body), status, release);
    this.#sendLast(status, (id) => this.#operations.envelope.complete(id, this.isStream));
  }

  /** Its client does not want the rest. A stream is complete then. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#operations.free(this);
    this.#end(this.isStream ? 200 : undefined);
  }

  /** Its client has left. */
  leave(): void {
    this.#isOver = true;
    this.#end(undefined);
  }

  get download(): Download {
    return this;
  }

  /** Of what waits on the connection, each of its operations has an equal share. */
  get waiting(): number {
    return this.connection.socket.writableLength / this.#operations.count;
  }

  /** TLS encrypts all of a message as it is written: each connection has its own copy. */
  get shared(): Buffer | undefined {
    return 'encrypted' in this.connection.socket ? undefined : this.#body;
  }

  get connection(): WebSocketConnection {
    return this.#operations.connection;
  }

  async #sendParts(parts: ResponseParts, status: number): Promise<void> {
    this.isStream = parts.kind === 'events';
    const { connection } = this;
    const begins = this.#operations.envelope.begin(this.id);
    if (begins !== undefined && !this.#isOver) connection.send(begins);
    let ending = undefined as ResponsePart['ending'];
    try {
      await parts.forEach((part) => {
        ({ ending } = part);
        if (ending === 'shutdown' || this.#send(part.body, status)) return undefined;
        return connection.room();
      });
      // The close makes its client come back: after a last message it would not.
      if (ending === 'shutdown') this.#operations.goAway();
      else this.#sendLast(status, (id) => this.#operations.envelope.complete(id, this.isStream));
    } catch {
      // The connection stays, with the other operations on it, so the client gets an error: this was not the end.
      this.#sendLast(undefined, (id) =>
        this.#operations.envelope.errors(id, [{ message: 'The stream broke off.' }]),
      );
    }
  }

  /** @returns whether there is room for more */
  #send(body: Buffer, status: number, release?: () => void): boolean {
    const errors = this.#isOver ? undefined : refusalIn(body);
    if (!this.#isOver && errors === undefined) {
      const { envelope } = this.#operations;
      this.#beforeResult ??= Buffer.from(envelope.beforeResult(this.id));
      const readable = envelope.readable?.(body) ?? body;
      // A short one is copied into its frame.
      this.#body = readable.length > longestCopy ? readable : undefined;
      return this.connection.sendJoined(this.#beforeResult, readable, release);
    }
    release?.();
    if (errors !== undefined) this.#refuse(errors, status);
    return true;
  }

  /** A subscription that the gateway does not begin as it stops is ended by the close: its client begins it elsewhere. */
  #refuse(errors: readonly SentError[], status: number): void {
    if (this.#request!.operation?.type === 'subscription' && errors.some(isShutdown)) {
      this.isStream = true;
      this.#isOver = true;
      this.#operations.goAway();
    } else this.#sendLast(status, (id) => this.#operations.envelope.errors(id, errors));
  }

  /** @param status of the request; undefined where the answer is not complete */
  #sendLast(status: number | undefined, message: (id: string) => string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#operations.free(this);
    this.connection.send(message(this.id), (error) => {
      this.#end(error == null ? status : undefined);
    });
  }

  #end(status: number | undefined): void {
    this.#operations.forget(this);
    this.#requests!.end(this.#request!, status);
  }
}

const isShutdown = ({ extensions }: SentError): boolean =>
  extensions?.code === ('SHUTTING_DOWN' satisfies ErrorCode);
