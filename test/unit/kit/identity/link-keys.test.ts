import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLinkKeys, type LinkKeys } from '../../../../kit/identity/link-keys';
import { StartError } from '../../../../kit/serve/start-error';
import { temporaryFolder } from '../../../support/subgraph-kit';

const [first, second, third] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [string, string, string];
let folder: ReturnType<typeof temporaryFolder>;
let keys: LinkKeys | undefined;
beforeEach(() => {
  folder = temporaryFolder();
  jest.useFakeTimers();
});
afterEach(() => {
  keys?.close();
  jest.useRealTimers();
  folder.remove();
});

const secrets = () => keys!.current.map(({ secret }) => secret);

/** The keys of a file with this text, and what was said of it since. */
function openFile(text: string) {
  const file = folder.write('keys', text);
  const changes: (readonly string[] | string)[] = [];
  keys = openLinkKeys({ file }, (change) =>
    changes.push(change instanceof Error ? change.message : change.map(({ secret }) => secret)),
  );
  return { file, changes };
}

describe('link keys', () => {
  it('are those that the settings have, with ids that do not tell them', () => {
    keys = openLinkKeys({ keys: [first, second] });
    expect(secrets()).toEqual([first, second]);
    // The first bytes of `printf a…a | sha256sum`.
    expect(keys.current[0]!.id).toBe('3ba3f5f4');
  });

  it.each([
    [[]],
    [[first.slice(1)]],
    [[first, 'short']],
    [[`${first} `]],
    [[`é${first}`]],
    [[`${first}\n${second}`]],
  ])('are refused when one is missing, short or has other characters: %j', (given) => {
    expect(() => openLinkKeys({ keys: given })).toThrow(
      new StartError('WEIR_LINK_KEYS must hold keys of 32 or more letters, digits and any of -._~+/=.'),
    );
  });

  it('are read from the lines of a file that are neither empty nor comments', () => {
    openFile(`# newest first\r\n ${first} \r\n\n#${third}\n  # and\n${second}`);
    expect(secrets()).toEqual([first, second]);
  });

  it('must be there at the start', () => {
    const file = join(folder.path, 'none');
    expect(() => openLinkKeys({ file })).toThrow(StartError);
    expect(() => openLinkKeys({ file })).toThrow(`The file of keys ${file} does not exist.`);
    const empty = folder.write('empty', '# none yet\n');
    expect(() => openLinkKeys({ file: empty })).toThrow(`${empty} must hold keys`);
  });

  it('change within a second of their file, which is told once', () => {
    const { changes } = openFile(first);
    folder.write('keys', `${second}\n${first}`);
    expect(secrets()).toEqual([first]);
    jest.advanceTimersByTime(1000);
    expect(secrets()).toEqual([second, first]);
    jest.advanceTimersByTime(5000);
    // The same keys in other words are no change.
    folder.write('keys', `# old and new\n${second}\n${first}\n`);
    jest.advanceTimersByTime(5000);
    expect(changes).toEqual([[second, first]]);
  });

  it('change when their order does, as the first one signs', () => {
    const { changes } = openFile(`${first}\n${second}`);
    folder.write('keys', `${second}\n${first}`);
    jest.advanceTimersByTime(1000);
    expect(changes).toEqual([[second, first]]);
  });

  it('stay when their file becomes worthless, which is told once for each trouble', () => {
    const { file, changes } = openFile(first);
    rmSync(file);
    jest.advanceTimersByTime(3000);
    expect(secrets()).toEqual([first]);
    folder.write('keys', 'short');
    jest.advanceTimersByTime(3000);
    expect(secrets()).toEqual([first]);
    folder.write('keys', first);
    jest.advanceTimersByTime(1000);
    // It is well again; the same trouble once more is a new one.
    folder.write('keys', 'short');
    jest.advanceTimersByTime(3000);
    expect(changes).toEqual([
      expect.stringContaining('does not exist'),
      expect.stringContaining('must hold keys'),
      expect.stringContaining('must hold keys'),
    ]);
  });

  it('need nobody who is told', () => {
    const file = folder.write('keys', first);
    keys = openLinkKeys({ file });
    folder.write('keys', second);
    jest.advanceTimersByTime(1000);
    expect(secrets()).toEqual([second]);
  });

  it('are not looked at any more once they are closed', () => {
    openFile(first);
    keys!.close();
    folder.write('keys', second);
    jest.advanceTimersByTime(5000);
    expect(secrets()).toEqual([first]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
