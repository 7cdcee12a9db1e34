/**
 * cli/package/template/: the tables of permissions in docs/deploy-aws.md. After a change,
 * `WRITE_DOCS=1 npx jest cli/package/template` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  awsPermissions,
  callPermissions,
  codePermissions,
  gatewayPermissions,
  itemPermissions,
  type Permission,
} from '../../../../../cli/package/template/permissions';

const places = {
  table: 'each table',
  index: 'each index',
  topic: 'its topic',
  queue: 'the queue of a consumer',
  failureQueue: 'its failure queue',
  stateMachine: 'each state machine',
  execution: 'their executions',
  task: '`*`',
  logs: 'its log group',
  traces: '`*`',
  poller: 'each queue',
  network: '`*`',
  taskSender: 'the queue of tasks',
  cacheTable: 'the table of `cache.store`',
  elastiCache: 'cache and user of `cache.redis.iam`',
  memoryDB: 'cluster and user of `cache.redis.iam`',
  supergraph: 'the object of `supergraph`, if it is in S3',
  registry: 'the table of `supergraph`, if it is a registry',
  registryReports: 'the table of `supergraph`, if it is a registry',
  cloudMap: '`*`',
  authoriser: 'the function of `auth.lambda`',
};

it('are in the documentation', () => {
  const file = join(__dirname, '../../../../../docs/deploy-aws.md');
  const page = readFileSync(file, 'utf8');
  const parts = page.split(/^\| action .*\n(?:\|.*\n)+/m);
  expect(parts).toHaveLength(4);
  const { table, index, ...others } = codePermissions;
  const ofCode = [
    ...rowsOf({ table }),
    ...Object.values(itemPermissions).map((each) => row(each, 'a table that declares it')),
    ...rowsOf({ index, ...others }),
  ];
  const ofGateway = [
    ...rowsOf(gatewayPermissions),
    ...Object.values(callPermissions).map((each) => row(each, 'what a parameter names')),
  ];
  const tables = [ofCode, ofGateway, rowsOf(awsPermissions)].map(tableOf);
  const text = parts.map((part, i) => `${part}${tables[i] ?? ''}`).join('');
  if (process.env['WRITE_DOCS']) writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
});

type Row = readonly [string, string, string];

const row = ({ action, why }: Permission, place: string): Row => [`\`${action}\``, place, why];

const rowsOf = (groups: Partial<Record<keyof typeof places, readonly Permission[]>>): Row[] =>
  Object.entries(groups).flatMap(([name, permissions]) =>
    permissions.map((each) => row(each, places[name as keyof typeof places])),
  );

/** As the formatter writes it. */
function tableOf(rows: readonly Row[]): string {
  const all: Row[] = [['action', 'on', 'what for'], ...rows];
  const widths = [0, 1, 2].map((i) => Math.max(...all.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`;
  const [head, ...others] = all.map(line);
  return `${head}${line(widths.map((width) => '-'.repeat(width)))}${others.join('')}`;
}
