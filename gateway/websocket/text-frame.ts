import type { Socket } from 'node:net';

/**
 * Writes one text frame of a server (RFC 6455, section 5.2) whose message is `head`, `body` and a closing brace. The
 * bytes of a large body are not copied, so one body may go to many connections, and must not change until `onTaken`.
 *
 * `ws` would want the message in one piece. Both write whole frames only, so they may take turns on one socket.
 *
 * @param onTaken called when the system has taken all of it, or with an error when it never will
 * @returns whether the socket has room for more
 */
export function writeTextFrame(
  socket: Socket,
  head: Buffer,
  body: Buffer | undefined,
  onTaken?: (error?: Error | null) => void,
): boolean {
  if (body === undefined || body.length <= longestCopy) {
    const frame = frameOf(head, body);
    const hasRoom = socket.write(frame, onTaken);
    // What waits is sent from these bytes: they are nobody else's.
    if (socket.writableLength > 0) taken = undefined;
    return hasRoom;
  }
  const start = Buffer.allocUnsafe(startLength(head.length + body.length + 1) + head.length);
  start.set(head, writeStart(start, head.length + body.length + 1));
  socket.cork();
  socket.write(start);
  socket.write(body);
  const hasRoom = socket.write(closeObject, onTaken);
  socket.uncork();
  return hasRoom;
}

/** A frame of which the system has a copy. Where the next client gets the same body, it needs only another head. */
let taken: { readonly frame: Buffer; readonly headLength: number; readonly body: Buffer } | undefined;

function frameOf(head: Buffer, body: Buffer | undefined): Buffer {
  if (taken !== undefined && taken.body === body && taken.headLength === head.length) {
    const { frame } = taken;
    frame.set(head, frame.length - body.length - 1 - head.length);
    return frame;
  }
  const length = head.length + (body === undefined ? 0 : body.length + 1);
  const frame = Buffer.allocUnsafe(startLength(length) + length);
  const start = writeStart(frame, length);
  frame.set(head, start);
  if (body === undefined) return frame;
  frame.set(body, start + head.length);
  frame[frame.length - 1] = CLOSE_OBJECT;
  taken = { frame, headLength: head.length, body };
  return frame;
}

const startLength = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10);

/** Writes what stands before a message of this length. Returns where the message begins. */
function writeStart(frame: Buffer, length: number): number {
  const start = startLength(length);
  frame[0] = FINAL_TEXT;
  if (start === 2) frame[1] = length;
  else if (start === 4) {
    frame[1] = LENGTH_IN_2_BYTES;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = LENGTH_IN_8_BYTES;
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length % 2 ** 32, 6);
  }
  return start;
}

/** Bytes of a body. Three writes take longer than a copy of this length. */
export const longestCopy = 16 * 1024;

const FINAL_TEXT = 0x81;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;
const CLOSE_OBJECT = 0x7d;
const closeObject = Buffer.from('}');
