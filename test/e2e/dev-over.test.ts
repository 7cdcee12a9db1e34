import { readPage } from '../support/documentation';
import { installedReader } from '../support/installed-reader';
import { stepsOf } from '../support/page-steps';

const reader = installedReader();
afterAll(() => reader.stop());

it('docs/dev-over.md leads from an empty folder to the answers that it shows', async () => {
  for (const step of stepsOf(readPage('docs/dev-over.md'))) await reader.take(step);
});
