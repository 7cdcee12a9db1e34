import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packOptions } from '../../../../cli/package/pack-options';

const folder = mkdtempSync(join(tmpdir(), 'weir-pack-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

function pack(text: string): string {
  const file = join(folder, 'weir.yaml');
  writeFileSync(file, text);
  return packOptions(file);
}

describe('the certificates of Redis', () => {
  it('are refused where the package would not have the file', () => {
    expect(() => pack('cache:\n  redis:\n    ca: ca.pem\n')).toThrow(
      '`cache.redis.ca` names a file that the package does not have',
    );
  });

  it.each(['/var/task/ca.pem', '${REDIS_CA}'])('may be %s', (ca) => {
    const text = `cache:\n  redis:\n    ca: ${ca}\n`;
    expect(pack(text)).toBe(text);
  });
});
