/** The files that `weir replay` reads and writes. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliResult, startCli } from '../support/run-cli';

const folder = mkdtempSync(join(tmpdir(), 'weir-replay-files-'));
const [queries, state] = [join(folder, 'queries.jsonl'), join(folder, 'state.json')];
const server = createServer((request, response) => {
  request.resume().on('end', () => response.end(`{"data":{"a":${count++}}}`));
});
let count = 0;
let url: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  writeFileSync(queries, '{"query":"{ a }"}\n{"query":"query B { a }"}\n');
});
beforeEach(() => rmSync(state, { force: true }));
afterAll(() => {
  server.close().closeAllConnections();
  rmSync(folder, { recursive: true });
});

const replay = (from: string, ...more: string[]): Promise<CliResult> =>
  startCli(['replay', url, url, '--from', from, '--rate', '10000', ...more]).result;

describe('the state', () => {
  it('is for its owner alone, as it may have values', async () => {
    await replay(queries, '--state', state, '--values');
    expect(statSync(state).mode & 0o777).toBe(0o600);
  });

  it('is not written through a link', async () => {
    const other = join(folder, 'other.txt');
    writeFileSync(other, 'mine');
    symlinkSync(other, `${state}.${process.pid}.draft`);
    expect((await replay(queries, '--state', state)).exitCode).toBe(1);
    expect(readFileSync(other, 'utf8')).toBe('mine');
  });

  it.each([
    ['"next":2', '"next":-1'],
    ['"next":2', '"next":7'],
    ['"beyond":[]', '"beyond":"abc"'],
    ['"all":{', '"all":null,"x":{'],
    ['"operations":[', '"operations":[null,'],
    ['"kind":"value"', '"kind":"toString"'],
    ['"durations":{', '"durations":{"x":1,'],
    ['"withoutData":0', '"withoutData":{}'],
    ['"compared":2', '"compared":"\\u001b[2J"'],
  ])('that has been changed is refused: %s to %s', async (from, to) => {
    await replay(queries, '--state', state);
    const text = readFileSync(state, 'utf8');
    expect(text).toContain(from);
    writeFileSync(state, text.replace(from, to));
    const { exitCode, stdout, stderr } = await replay(queries, '--state', state);
    expect({ exitCode, stdout, stderr }).toEqual({
      ...{ exitCode: 2, stdout: '' },
      stderr: `weir: --state names ${state}, which no \`weir replay\` has written.\n`,
    });
  });

  it('that is a device is refused', async () => {
    const { exitCode, stderr } = await replay(queries, '--state', '/dev/zero');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--state names /dev/zero, which is no regular file');
  });
});

describe('the input', () => {
  it('must be no pipe or device, as it is read twice', async () => {
    const { exitCode, stderr } = await replay('/dev/null');
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'weir: --from names /dev/null, which is no regular file: copy what it has into one.\n',
    );
  });

  it('may have CRLF and a byte order mark, but must be UTF-8', async () => {
    const file = join(folder, 'encoded.jsonl');
    writeFileSync(file, '\uFEFF{"query":"{ a }"}\r\n{"query":"{ b }"}\r\n');
    expect((await replay(file)).stdout).toContain('2 requests of 2 operations');
    writeFileSync(
      file,
      Buffer.from('{"query":"{ a }"}\n{"query":"{ a }","variables":{"x":"ä"}}\n', 'latin1'),
    );
    expect((await replay(file)).stderr).toContain(`weir: ${file}:2 is not JSON: it is not UTF-8.`);
  });
});
