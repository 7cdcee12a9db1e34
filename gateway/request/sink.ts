import type { Socket } from 'node:net';
import type { Flow } from '../subgraph-calls/contract/source';

export interface ClientAnswer {
  readonly status: number;
  /** Names and values in turn, with the length of the body where it is whole. */
  readonly headers: readonly string[];
  /** The whole body, or GraphQL responses as they come, which the sink frames for its protocol. */
  readonly body: Buffer | string | ResponseParts | undefined;
  /** Called when all of a whole body has been taken. */
  readonly release?: (() => void) | undefined;
}

export interface ResponseParts extends Flow<ResponsePart> {
  /** `events`: each part is an answer. `increments`: they are one answer, as `Sink.incremental` names it. */
  readonly kind: 'events' | 'increments';
}

/**
 * How the parts of one answer follow each other: as clients read them since 2022 (`hasNext`, `incremental` with paths), or as
 * graphql-js 17 has it (`pending`, `incremental` with ids, `completed`).
 */
export type IncrementalFormat = '20220824' | 'v0.2';

/** One GraphQL response of an answer in parts. Several sinks may be given the same. */
export interface ResponsePart {
  /** UTF-8 JSON. Nobody writes to it. */
  readonly body: Buffer;
  /** Position of this event, for a client that comes back: `id:` over SSE. @default undefined: the source has none */
  readonly cursor?: string | undefined;
  /**
   * Why this is the last part, before the source came to its own end: `failed`, its body has the error; `shutdown`, the
   * gateway stops and the client may come back at once.
   *
   * @default undefined: another part follows, or the end
   */
  readonly ending?: 'failed' | 'shutdown' | undefined;
}

/** How the events of a subscription go to a client. `appsync` is the protocol `graphql-ws` of AppSync’s clients. */
export type EventsProtocol = 'graphql-transport-ws' | 'appsync' | 'sse' | 'multipart';

/**
 * Where the answer to one request is written. `http/http-sink.ts` is the sink of HTTP; each kind of connection has its
 * own. `upload` and `download` report how much memory the request takes, so memory is bounded for every kind of
 * connection.
 */
export interface Sink {
  readonly isAnswered: boolean;
  /** Whether answers in parts can be sent at all. Where they cannot, no client takes any. */
  readonly carriesParts: boolean;
  /** The protocol in which its client takes the events of a subscription; undefined if it takes none. */
  readonly events: EventsProtocol | undefined;
  /** Whether its client reads a gap as an event without data. Others get it with the next event. */
  readonly takesGaps: boolean;
  /** The format in which its client takes one answer in parts; undefined if it takes none: then nothing is deferred. */
  readonly incremental: IncrementalFormat | undefined;
  /** The most bytes of an answer in parts. @default undefined: `limits.response` bounds it */
  readonly longest?: number | undefined;
  /** Whether its client reads a refusal only as an event with the status 200. */
  readonly refusesInEvents: boolean;
  /**
   * Sends the answer, or begins to. Called once at most. An answer in parts waits while its client has no room
   * for the next one. If it fails, the sink closes the connection without the end of the answer, so that the client
   * notices. The request closes the parts when it ends; the sink need not.
   */
  answer(answer: ClientAnswer): void;
  /**
   * Sends an answer of the response cache in a form of its own, in which no header of it is. The body is the same object each
   * time. Returns false where it is sent like any other answer. @default undefined: all are
   */
  answerFromCache?(body: Buffer): boolean;
  /** Called with the body of the request when it has arrived. @default undefined: the answer does not depend on it */
  onBody?(body: Buffer): void;
  /** The body of the request while it arrives; undefined if requests arrive in one piece. */
  readonly upload: Upload | undefined;
  /** The answer while its client reads it; undefined if none of it is kept in this process. */
  readonly download: Download | undefined;
  /** Takes whole messages of HTTP/1.1 for the connection. Undefined where, or while, that is impossible. */
  readonly messages: MessageSink | undefined;
}

/** The body of an arriving request. */
export interface Upload {
  readonly hasArrived: boolean;
  /** The most bytes of the body that are held in memory. @param limit bytes that a body may have */
  kept(limit: number): number;
  /** Answers that the body did not arrive in time, and stops reading it. */
  giveUp(): void;
}

/** An answer that is being read. */
export interface Download {
  /** Bytes of the answer that wait in this process. */
  readonly waiting: number;
  /** The body that answers on connections share in memory. @default undefined: what waits is a copy */
  readonly shared?: Buffer | undefined;
  /** Answers on one connection wait for the same client, and are cut together. */
  readonly connection: ClientConnection;
}

/** A socket, or something with one, such as a session of HTTP/2. */
export interface ClientConnection {
  readonly destroyed: boolean;
  readonly socket?: Socket | undefined;
  destroy(): void;
}

/** Sends messages that were written in advance. */
export interface MessageSink {
  /** Headers that each message must have: names and values in turn, one array for each origin that the options list. */
  readonly corsHeaders: readonly string[];
  /**
   * Sends a whole message. Called once at most, instead of `answer`.
   *
   * @returns whether the operating system has taken all of it; otherwise its bytes must not be changed any more
   */
  sendMessage(status: number, message: Buffer): boolean;
}
