import { execFileSync } from 'node:child_process';
import { startCli } from '../../../support/run-cli';

let script: string;
beforeAll(async () => {
  script = (await startCli(['completion', 'bash']).result).stdout;
});

it.each([
  [['co'], ['config', 'compose', 'contract', 'completion']],
  [['config', ''], expect.arrayContaining(['print'])],
  [['config', 'print', '--po'], ['--port']],
  [
    ['check', '--format', ''],
    ['text', 'json', 'github', 'gitlab'],
  ],
  [['diff', '--format', '=', 'j'], ['json']],
  [
    ['diff', '--format', '='],
    ['text', 'json'],
  ],
  // As zsh, or bash without `=` in COMP_WORDBREAKS, has it.
  [['diff', '--format=j'], ['--format=json']],
  [['check', '--schema=a'], []],
  [['check', '--schema', ''], []],
  [['check', 're'], []],
  [['completion', 'z'], ['zsh']],
  [
    ['events', 're'],
    ['retry', 'replay'],
  ],
  [
    ['workflow', 'list', '--status', ''],
    ['failed', 'running'],
  ],
  [['check', 'reviews', '--exclude'], ['--exclude-client']],
])('bash completes `weir` and %j', (words, completed) => {
  expect(complete(words)).toEqual(completed);
});

// `.ci/full` has a real zsh complete.
it('zsh has the same, by its function for scripts of bash', async () => {
  const { stdout } = await startCli(['completion', 'zsh']).result;
  expect(stdout).toMatch(/^#compdef weir\n/);
  expect(stdout).toContain(script);
});

it('names the shells that there are', async () => {
  const { exitCode, stderr } = await startCli(['completion', 'fish']).result;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('bash, zsh') });
});

/** What bash's own function answers to these words, the last of which is being written. */
function complete(words: readonly string[]): string[] {
  const ask = `${script}\nCOMP_WORDS=(weir "$@"); COMP_CWORD=$#; _weir; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync('bash', ['-c', ask, 'bash', ...words], { encoding: 'utf8' });
  return printed.split('\n').filter((line) => line !== '');
}
