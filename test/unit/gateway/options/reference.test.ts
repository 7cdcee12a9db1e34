/** The pages that are generated of gateway/options/, of the errors and of the metrics. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsJsonSchema } from '../../../support/reference/json-schema';
import { errorsReference, optionsReference } from '../../../support/reference/options';
import { metricsReference } from '../../../support/reference/metrics';

const docs = join(__dirname, '../../../../docs');

/** After a change to the options, the errors or the metrics, `WRITE_DOCS=1 npx jest options/reference` brings the files up to date. */
it.each([
  ['configuration.md', optionsReference],
  ['configuration.schema.json', () => `${JSON.stringify(optionsJsonSchema(), null, 2)}\n`],
  ['errors.md', errorsReference],
  ['metrics.md', metricsReference],
])('docs/%s is what the sources say', (name, generate) => {
  const file = join(docs, name);
  if (process.env['WRITE_DOCS']) writeFileSync(file, generate());
  expect(readFileSync(file, 'utf8')).toBe(generate());
});

it('describes every option', () => {
  expect(optionsReference()).not.toMatch(/\| {2}\|$/m);
});
