import { paintFor } from '../../../../cli/terminal/colours';
import { startCli } from '../../../support/run-cli';

it.each([
  ['a terminal', true, {}, true],
  ['a pipe', false, {}, false],
  ['a terminal and NO_COLOR', true, { NO_COLOR: '1' }, false],
  ['a terminal and an empty NO_COLOR', true, { NO_COLOR: '' }, true],
  ['a pipe and FORCE_COLOR', false, { FORCE_COLOR: '1' }, true],
  ['a terminal and FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
  ['FORCE_COLOR and NO_COLOR', true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('with %s', (_what, isTTY, env, isPainted) => {
  const paint = paintFor({ isTTY, write: () => undefined }, { env });
  expect(paint('red', 'x') !== 'x').toBe(isPainted);
});

it('are in the errors of compose, unless --no-color says otherwise', async () => {
  const env = { FORCE_COLOR: '1' };
  const compose = (...flags: string[]) => startCli(['compose', 'none.yaml', ...flags], env).result;
  expect((await compose()).stderr).toContain('\u001b[31m');
  expect((await compose('--no-color')).stderr).not.toContain('\u001b');
});
