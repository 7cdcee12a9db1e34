import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(__dirname, '../../..');

it('ends quietly when whoever reads its output has left', async () => {
  const args = ['--require', join(root, 'test/support/typescript.cjs'), 'cli/main.ts', 'check', '--help'];
  const weir = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  weir.stdout.destroy();
  const [said, [code]] = await Promise.all([text(weir.stderr), once(weir, 'exit')]);
  expect([said, code]).toEqual(['', 0]);
});
