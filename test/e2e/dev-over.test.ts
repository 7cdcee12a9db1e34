import { freePorts } from '../../cli/dev/ports';
import { readPage } from '../support/documentation';
import { crowding, installedReader } from '../support/installed-reader';
import { stepsOf } from '../support/page-steps';

const reader = installedReader();
afterAll(() => reader.stop());

it('docs/dev-over.md leads from an empty folder to the answers that it shows', async () => {
  const [port] = await freePorts(1);
  const page = readPage('docs/dev-over.md').replaceAll('4002', String(port));
  const times: number[] = [];
  let since = 0;
  for (const step of stepsOf(page)) {
    if ('command' in step && step.command.includes(' --over ')) since = performance.now();
    await reader.take(step);
    if ('answer' in step) times.push(performance.now() - since);
  }
  // The answers that the local service has a part in, since their command.
  expect(Math.max(...times.slice(1))).toBeLessThan(10_000 * crowding());
});
