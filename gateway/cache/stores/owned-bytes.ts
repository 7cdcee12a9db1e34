/** Copies bytes that are a view into a larger buffer, as they would keep that buffer alive. */
export function ownedBytes(bytes: Buffer): Buffer {
  if (bytes.byteLength === bytes.buffer.byteLength) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  bytes.copy(copy);
  return copy;
}

/** A head in ASCII, a body, and what follows it, together in memory of their own. */
export function joinedBytes(head: string, body: Buffer, tail?: Buffer): Buffer {
  const end = head.length + body.length;
  const joined = Buffer.allocUnsafeSlow(end + (tail?.length ?? 0));
  joined.write(head, 'latin1');
  body.copy(joined, head.length);
  tail?.copy(joined, end);
  return joined;
}
