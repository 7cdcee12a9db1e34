/** Copies bytes that are a view into a larger buffer, as they would keep that buffer alive. */
export function ownedBytes(bytes: Buffer): Buffer {
  if (bytes.byteLength === bytes.buffer.byteLength) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength);
  bytes.copy(copy);
  return copy;
}

/** A head in ASCII and a body, together in memory of their own. */
export function joinedBytes(head: string, body: Buffer): Buffer {
  const joined = Buffer.allocUnsafeSlow(head.length + body.length);
  joined.write(head, 'latin1');
  body.copy(joined, head.length);
  return joined;
}
