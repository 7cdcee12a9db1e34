/** What is generated of gateway/options/, of the errors and of the metrics. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartSchema } from '../../../support/reference/chart-schema';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import { errorsReference, optionsReference } from '../../../support/reference/options';
import { metricsReference } from '../../../support/reference/metrics';

const root = join(__dirname, '../../../..');

/** After a change to the options, the errors or the metrics, `WRITE_DOCS=1 npx jest options/reference` brings the files up to date. */
it.each([
  ['docs/configuration.md', optionsReference],
  ['docs/configuration.schema.json', () => `${JSON.stringify(optionsJsonSchema(), null, 2)}\n`],
  ['deploy/helm/weir/values.schema.json', chartSchema],
  ['docs/errors.md', errorsReference],
  ['docs/metrics.md', metricsReference],
])('%s is what the sources say', (name, generate) => {
  const file = join(root, name);
  if (process.env['WRITE_DOCS']) writeFileSync(file, generate());
  expect(readFileSync(file, 'utf8')).toBe(generate());
});

it('describes every option', () => {
  expect(optionsReference()).not.toMatch(/\| {2}\|$/m);
});
