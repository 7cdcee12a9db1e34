import { hash } from 'node:crypto';

/**
 * HMAC-SHA-256 (RFC 2104) of an ASCII text, in base64, by two hashes of one call each. This takes half the time of
 * `createHmac`; a page signs seven subgraph calls.
 */
export function hmacSha256(secret: Buffer): (text: string) => string {
  const block = secret.length > blockSize ? hash('sha256', secret, 'buffer') : secret;
  const inner = Buffer.alloc(4096, 0x36);
  const outer = Buffer.alloc(blockSize + digestSize, 0x5c);
  for (const [i, byte] of block.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  return (text) => {
    const whole = blockSize + text.length;
    let message = inner;
    if (whole > inner.length) inner.copy((message = Buffer.alloc(whole)), 0, 0, blockSize);
    message.write(text, blockSize, 'latin1');
    outer.write(hash('sha256', message.subarray(0, whole), 'binary'), blockSize, 'latin1');
    return hash('sha256', outer, 'base64');
  };
}

const blockSize = 64;
const digestSize = 32;
