/** packing/tar.cjs: archives with the same bytes. */
import { type Writable, type Readable } from 'node:stream';

const { tarOf } = jest.requireActual<{
  tarOf: (
    files: readonly { readonly name: string; readonly content: Buffer; readonly isProgram?: boolean }[],
    seconds: number,
  ) => Promise<Buffer>;
}>('../../../packing/tar.cjs');

interface Entry extends Readable {
  readonly header: Record<'name' | 'mode' | 'uid' | 'gid' | 'mtime' | 'uname', unknown>;
}
const { extract } = jest.requireActual<{ extract: () => Writable & AsyncIterable<Entry> }>('tar-stream');

const files = [
  { name: 'package/run.mjs', content: Buffer.from('run'), isProgram: true },
  { name: 'package/a.txt', content: Buffer.from('text') },
];
const made = () => tarOf(files, 1_700_000_000);

it('are in order, with fixed modes, owners and times', async () => {
  const archive = extract();
  archive.end(await made());
  const seen: object[] = [];
  for await (const entry of archive) {
    const { name, mode, uid, gid, mtime, uname } = entry.header;
    seen.push({ name, mode, uid, gid, uname, mtime });
    entry.resume();
  }
  const same = { uid: 0, gid: 0, uname: '', mtime: new Date('2023-11-14T22:13:20Z') };
  expect(seen).toEqual([
    { ...same, name: 'package/a.txt', mode: 0o644 },
    { ...same, name: 'package/run.mjs', mode: 0o755 },
  ]);
});

it('do not depend on the order in which files are given, or on the time zone', async () => {
  const one = await made();
  process.env['TZ'] = 'Pacific/Kiritimati';
  expect((await tarOf([...files].reverse(), 1_700_000_000)).equals(one)).toBe(true);
});
