import { version } from '../../../package.json';
import { startCli } from '../../support/run-cli';

describe('weir', () => {
  it('prints its help and its version', async () => {
    expect(await run()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Usage: weir') });
    expect(await run('--help')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('compose') });
    expect(await run('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['compse'], "weir: unknown command 'compse'; did you mean compose?\n"],
    [['zzz'], "weir: unknown command 'zzz'; `weir --help` says what there is.\n"],
    [['compose', '--ot', 'x'], "weir: unknown option '--ot'; did you mean --out?\n"],
    [['compose', '--out'], 'weir: -o, --out <FILE> needs a value.\n'],
    [
      ['compose', 'a', 'b'],
      "weir: too many arguments for 'compose'. Expected 1 argument but got 2; `weir compose --help` says what there is.\n",
    ],
  ])('answers %j with one sentence', async (args, stderr) => {
    expect(await run(...args)).toEqual({ exitCode: 2, stdout: '', stderr });
  });

  it('has examples in the help of every command', async () => {
    const { stdout } = await run('--help');
    const commands = [...stdout.matchAll(/^ {2}(\w+) .*\[options\]/gm)].map(([, name]) => name!);

    expect(commands).toContain('compose');
    for (const command of commands) {
      expect((await run(command, '--help')).stdout).toContain(`Examples:\n  $ weir ${command}`);
    }
  });

  it('names defaults in its help as one would write them', async () => {
    const { stdout } = await run('check', '--help');
    const defaults = [...stdout.matchAll(/\(default:\s+([^)]*)\)/g)].map(([, value]) => value);
    expect(defaults).toEqual(expect.arrayContaining(['30d', '0', '10']));
    expect(defaults.join(' ')).not.toMatch(/[[{]/);
  });
});

function run(...args: string[]) {
  return startCli(args).result;
}
