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
  const bodyLength = body === undefined ? 0 : body.length;
  const length = head.length + bodyLength + (body === undefined ? 0 : 1);
  const start = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const isCopied = bodyLength <= longestCopy;
  const frame = Buffer.allocUnsafe(start + (isCopied ? length : head.length));
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
  frame.set(head, start);
  if (body === undefined) return socket.write(frame, onTaken);
  if (isCopied) {
    frame.set(body, start + head.length);
    frame[frame.length - 1] = CLOSE_OBJECT;
    return socket.write(frame, onTaken);
  }
  socket.cork();
  socket.write(frame);
  socket.write(body);
  const hasRoom = socket.write(closeObject, onTaken);
  socket.uncork();
  return hasRoom;
}

/** Bytes of a body. Three writes take longer than a copy of this length. */
export const longestCopy = 16 * 1024;

const FINAL_TEXT = 0x81;
const LENGTH_IN_2_BYTES = 126;
const LENGTH_IN_8_BYTES = 127;
const CLOSE_OBJECT = 0x7d;
const closeObject = Buffer.from('}');
