import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { eventually } from '../../support/process';

const root = join(__dirname, '../../..');

function start(...args: string[]): ChildProcessByStdio<null, Readable, Readable> {
  const main = ['--require', join(root, 'test/support/typescript.cjs'), 'cli/main.ts'];
  return spawn(process.execPath, [...main, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
}

it('ends quietly when whoever reads its output has left', async () => {
  const weir = start('check', '--help');
  weir.stdout.destroy();
  const [said, [code]] = await Promise.all([text(weir.stderr), once(weir, 'exit')]);
  expect([said, code]).toEqual(['', 0]);
});

it('serves on as a gateway when whoever reads its log has left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-main-'));
  const [urlFile, options] = [join(folder, 'url'), join(folder, 'weir.yaml')];
  const supergraph = join(root, 'schema/supergraph.graphql');
  writeFileSync(
    options,
    JSON.stringify({ supergraph: { file: supergraph }, port: 0, admin: { enabled: false } }),
  );
  const weir = start('gateway', '--config', options, '--url-file', urlFile);
  const ended = once(weir, 'exit');
  try {
    weir.stdout.destroy();
    weir.stderr.destroy();
    await eventually(() => existsSync(urlFile) || weir.exitCode !== null);
    // Each says something on standard error.
    for (let i = 0; i < 3; i++) weir.kill('SIGHUP');
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(`${readFileSync(urlFile, 'utf8').trim()}?query={__typename}`, {
        headers: { 'apollo-require-preflight': 'yes' },
      });
      expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
    }
    weir.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    weir.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
