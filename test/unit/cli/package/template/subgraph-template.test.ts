/**
 * cli/package/template/: the templates of subgraphs. The whole ones are in `golden/` to be read; after a change,
 * `WRITE_DOCS=1 npx jest cli/package/template` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { subgraphTemplate } from '../../../../../cli/package/template/subgraph-template';
import { declarationOf } from '../../../../../kit/declaration';
import { orders } from '../../../../../subgraphs/orders';
import { readTemplate } from '../../../../support/cloudformation';
import { shopSubgraphs } from '../../../../support/shop';
import { thanks } from '../../../../support/thanks-subgraph';

const { accounts, products, inventory, reviews, payments, history } = shopSubgraphs;
const functions = [accounts, products, inventory, reviews, payments, history, orders];
const templateOf = (subgraph: Parameters<typeof declarationOf>[0]) =>
  subgraphTemplate(declarationOf(subgraph), { uri: 'code', handler: 'index.handler' });

/** What a workflow needs, and nothing that `thanks` has. */
const cancelling = { ...orders, tables: [], options: {}, workflows: orders.workflows!.slice(1) };

it.each([cancelling, thanks])('of $name is what the file says', (subgraph) => {
  const text = templateOf(subgraph);
  const file = join(__dirname, 'golden', `${subgraph.name}.yaml`);
  if (process.env['WRITE_DOCS']) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
});

it.each(functions)('of $name is read, and names only what it has', (subgraph) => {
  const { Resources } = readTemplate(templateOf(subgraph));
  expect(Object.values(Resources).map(({ Type }) => Type)).toContain('AWS::Serverless::Function');
});

it('offers to wait for an archive where a subgraph writes events, and does not wait by default', () => {
  for (const subgraph of functions) {
    const text = templateOf(subgraph);
    const { publishes } = declarationOf(subgraph);
    expect(readTemplate(text).Parameters?.['ArchiveWait']?.Default).toBe(publishes ? '' : undefined);
    expect(text.includes('WEIR_ARCHIVE_WAIT: !Ref ArchiveWait')).toBe(publishes);
  }
  const pattern = new RegExp(readTemplate(templateOf(orders)).Parameters!['ArchiveWait']!.AllowedPattern!);
  const values = ['', '1', '5000', '99999', '0', '05', '-1', '1e3', '100000', '5s'];
  expect(values.filter((value) => pattern.test(value))).toEqual(['', '1', '5000', '99999']);
});
