/** deploy/helm/weir, as far as it can be read without Helm: test/e2e/chart.test.ts renders it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isMap } from '../../../gateway/options/is-map';
import { chart, chartValues } from '../../support/chart';
import { root } from '../../support/documentation';
import type { Json } from '../../support/running-gateway';

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const schema = JSON.parse(read('deploy/helm/weir/values.schema.json'));

it('has the version of Weir, and runs the image of that version', () => {
  const { version } = JSON.parse(read('package.json'));
  expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({
    version,
    appVersion: version,
  });
});

/** After a change of the values or their comments, `WRITE_DOCS=1 npx jest deploy/chart` brings the page up to date. */
it('has each of its values in docs/helm.md, with what it does', () => {
  const rows = chartValues().map(({ path, standard, text }) => {
    expect([path, text]).toEqual([path, expect.stringMatching(/\.$/)]);
    return `| \`${path}\` | \`${standard}\` | ${text} |`;
  });
  const page = read('docs/helm.md');
  const whole = page.replace(/(?<=\| does \|\n\| --- \| --- \| --- \|\n)[^]*?(?=\n\n)/, rows.join('\n'));
  if (process.env['WRITE_DOCS']) writeFileSync(join(root, 'docs/helm.md'), whole);
  expect(read('docs/helm.md')).toBe(whole);
});

it('has a schema that knows each value, and takes no others at any depth', () => {
  for (const { path } of chartValues()) {
    const [group, ...names] = path.split('.');
    const start = group === 'options' ? schema.definitions.options : schema.properties[group!];
    const found = names.reduce<Json>((of, name) => {
      const map = [of, ...(of.anyOf ?? [])].find((way: Json) => way.properties !== undefined);
      return map?.properties[name] ?? (map ?? of).additionalProperties ?? resolve(of)?.additionalProperties;
    }, start);
    expect([path, found]).toEqual([path, expect.anything()]);
  }
  expect(openMaps(schema, '')).toEqual([
    // What stands beside `allOf` only narrows the options, which are closed.
    '/properties/options',
    '/properties/options/properties/supergraph',
    '/properties/options/properties/admin',
    '/properties/options/properties/health',
    '/properties/options/properties/tls',
    '/properties/options/properties/shutdown',
    '/properties/serviceMonitor/properties/token/anyOf/0',
  ]);
});

const resolve = ({ $ref }: Json): Json =>
  $ref === undefined ? undefined : schema.definitions[$ref.slice('#/definitions/'.length)];

/** Where a schema takes names that it does not list. */
function openMaps(node: unknown, path: string): string[] {
  if (!isMap(node))
    return Array.isArray(node) ? node.flatMap((each, i) => openMaps(each, `${path}/${i}`)) : [];
  const isOpen =
    node['type'] === 'object' && [undefined, true].includes(node['additionalProperties'] as undefined);
  const inner = Object.entries(node).flatMap(([name, each]) => openMaps(each, `${path}/${name}`));
  return isOpen ? [path, ...inner] : inner;
}
