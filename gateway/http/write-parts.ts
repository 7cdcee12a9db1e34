import type { ResponsePart, ResponseParts } from '../request/sink';
import type { Framing } from './framing';

/** Where an answer in parts is written. */
export interface PartsStream {
  /** @returns whether there is room for more */
  write(bytes: Buffer): boolean;
  /** Resolves when there is room for more, or the client has left. */
  room(): Promise<void>;
  end(bytes: Buffer): void;
  /** Ends what was written so that nobody takes it for the whole answer. */
  cutOff(): void;
  /**
   * Called at each heartbeat.
   *
   * @param heartbeat what to send to a client for which nothing waits; undefined if nothing is to be sent
   */
  beat(heartbeat: Buffer | undefined): void;
}

/** The headers of an answer in parts: names and values in turn. */
export const partsHeaders = ({ mediaType }: Framing): readonly string[] => [
  ...['content-type', mediaType],
  // Makes nginx, and proxies that do as it does, hand on each part at once.
  ...['x-accel-buffering', 'no'],
];

/**
 * Writes the body of an answer in parts, each when the client has taken most of those before it. Resolves when the last one is
 * written, or the answer is cut off.
 *
 * @param heartbeat milliseconds without a part after which a heartbeat is sent
 */
export async function writeParts(
  stream: PartsStream,
  parts: ResponseParts,
  framing: Framing,
  heartbeat: number,
): Promise<void> {
  let isQuiet = false;
  const timer = setInterval(() => {
    stream.beat(isQuiet ? framing.heartbeat : undefined);
    isQuiet = true;
  }, heartbeat).unref();
  try {
    stream.write(framing.opening);
    let ending = undefined as ResponsePart['ending'];
    await parts.forEach((part) => {
      isQuiet = false;
      ({ ending } = part);
      return stream.write(framing.frame(part)) ? undefined : stream.room();
    });
    stream.end(framing.end(ending));
  } catch {
    stream.cutOff();
  } finally {
    clearInterval(timer);
  }
}
