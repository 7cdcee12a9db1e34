import { room } from '../http/room';
import type { PartsStream } from '../http/write-parts';
import type { LambdaHead } from './lambda-answer';
import { awsLambda, type ResponseStream } from './response-stream';

/** What becomes of a stream: all of it was taken; it was closed before; or it is to be ended with an error. */
export type StreamOutcome = 'taken' | 'closed' | 'cut off';

/** Writes one answer to the stream of Lambda's runtime. After its end, or when it is closed, everything does nothing. */
export class AnswerStream implements PartsStream {
  readonly #stream: ResponseStream;
  readonly #idle: number;
  readonly #onOver: (outcome: StreamOutcome) => void;
  #isEnded = false;
  #isOver = false;
  /** Bytes that were written. */
  written = 0;

  /**
   * @param idle milliseconds after which the stream is closed if nothing of what was written is taken
   * @param onOver called once
   */
  constructor(stream: ResponseStream, idle: number, onOver: (outcome: StreamOutcome) => void) {
    this.#stream = stream;
    this.#idle = idle;
    this.#onOver = onOver;
    const onClosed = (): void => this.#over('closed');
    // In the very turn in which the runtime learns of it, which takes it for a failure that nobody handles otherwise.
    stream.on('error', onClosed);
    stream.on('close', onClosed);
    stream.on('finish', () => this.#over('taken'));
  }

  /** Bytes that are written and not taken yet. */
  get waiting(): number {
    return this.#stream.writableLength;
  }

  get destroyed(): boolean {
    return this.#isOver || this.#stream.destroyed;
  }

  /** To be called before anything is written, if the answer is one over HTTP. */
  begin(head: LambdaHead): void {
    awsLambda().HttpResponseStream.from(this.#stream, head);
    // Sends the head: without a body, or before there is one.
    this.write(nothing);
  }

  write(bytes: Buffer): boolean {
    if (this.#isEnded || this.destroyed) return true;
    this.written += bytes.length;
    return this.#stream.write(bytes);
  }

  /** Writes a body that is whole, each piece when most of those before it are taken. @param onLeft called with what is left */
  async writeWhole(body: Buffer, onLeft?: (bytes: number) => void): Promise<void> {
    for (let at = 0; at < body.length && !this.destroyed; at += pieceLength) {
      onLeft?.(Math.max(0, body.length - at - pieceLength));
      if (!this.write(body.subarray(at, at + pieceLength))) await this.room();
    }
    this.end();
  }

  room(): Promise<void> {
    return room(this.#stream, this.#idle, () => this.destroy());
  }

  end(bytes?: Buffer): void {
    if (bytes !== undefined) this.write(bytes);
    if (this.#isEnded || this.destroyed) return;
    this.#isEnded = true;
    this.#stream.end();
  }

  /** The runtime is to end the stream, with an error. */
  cutOff(): void {
    this.#over('cut off');
  }

  /** Closes the stream at once. */
  destroy(): void {
    this.#stream.destroy();
    this.#over('closed');
  }

  beat(heartbeat: Buffer | undefined): void {
    if (heartbeat !== undefined && this.waiting === 0) this.write(heartbeat);
  }

  #over(outcome: StreamOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver(outcome);
  }
}

const nothing = Buffer.alloc(0);
const pieceLength = 2 ** 16;
