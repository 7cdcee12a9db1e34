import { readPage } from '../support/documentation';
import { installedReader } from '../support/installed-reader';
import { stepsOf } from '../support/page-steps';

describe.each(['docs/sources-graphql.md', 'docs/sources-rest.md'])('%s', (page) => {
  const reader = installedReader();
  afterAll(() => reader.stop());

  it('leads from an empty folder to an answer of a subgraph and an API together', async () => {
    const steps = stepsOf(readPage(page));
    expect(steps.filter((step) => 'answer' in step)).toHaveLength(1);
    for (const step of steps) await reader.take(step);
  });
});
