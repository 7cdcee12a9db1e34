import { openLinkKeys, toKey, type LinkKey } from '../../../../../gateway/subgraph-calls/signers/link-keys';
import { temporaryFolder } from '../../../../support/subgraph-kit';

const older = 'a'.repeat(32);
const newer = 'b'.repeat(32);
const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('link keys', () => {
  it('sign with the first one', () => {
    expect(openLinkKeys({ keys: [newer, older] }).current.id).toBe(toKey(newer).id);
  });

  it('come from a file with comments, and change with the file', async () => {
    const file = folder.write('keys', `# of today\n${older}\n`);
    let told!: (change: LinkKey | Error) => void;
    const next = () => new Promise<LinkKey | Error>((resolve) => (told = resolve));
    const keys = openLinkKeys({ keysFile: file, interval: 20, onChange: (change) => told(change) });
    try {
      expect(keys.current.id).toBe(toKey(older).id);
      let change = next();
      folder.write('keys', `${newer}\r\n${older}\n`);
      await change;
      expect(keys.current.id).toBe(toKey(newer).id);

      change = next();
      folder.write('keys', 'short\n');
      expect(((await change) as Error).message).toBe(
        `${file} must hold keys of 32 or more letters, digits and any of -._~+/=, one a line.`,
      );
      expect(keys.current.id).toBe(toKey(newer).id);
    } finally {
      keys.close();
    }
  });

  it.each([
    ['that is not there', 'missing', /does not exist/],
    ['without a key', folder.write('empty', '# none\n').split('/').at(-1)!, /must hold at least one key/],
  ])('refuse a file %s', (_, name, message) => {
    expect(() => openLinkKeys({ keysFile: `${folder.path}/${name}` })).toThrow(message);
  });
});
