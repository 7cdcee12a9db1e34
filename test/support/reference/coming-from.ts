import { peers } from '../../../cli/migrate/peers';
import type { Peer } from '../../../cli/migrate/peer';
import { pathsOf, type Row } from '../../../cli/migrate/table';

/** The page with the tables of `weir migrate` in it: each stands in a section that is named after the file it is of. */
export const comingFrom = (page: string): string => peers.reduce(withTable, page);

/** Of the section, the first table. */
function withTable(page: string, peer: Peer): string {
  const heading = `\n### \`${peer.fileName}\` of ${peer.title}\n`;
  const begin = page.indexOf(heading);
  if (begin < 0) throw new Error(`docs/coming-from.md has no section "${heading.trim()}".`);
  const table = page.indexOf('\n|', begin + heading.length);
  const next = page.indexOf('\n#', begin + heading.length);
  if (table < 0 || (next >= 0 && next < table)) throw new Error(`${heading.trim()} has no table.`);
  const end = page.slice(table + 1).search(/\n(?!\|)/);
  return `${page.slice(0, table + 1)}${tableOf(peer)}${page.slice(table + 1 + end)}`;
}

function tableOf({ fileName, table, defaults }: Peer): string {
  return [
    `| \`${fileName}\` | \`weir.yaml\` | how |`,
    '| --- | --- | --- |',
    ...table.rows.map((row) => `| \`${keyOf(row)}\` | ${cell(row.to)} | ${cell(howOf(row))} |`),
    ...defaults.map(
      ({ path, value, reason }) =>
        `| (left out) | \`${path.join('.')}: ${JSON.stringify(value)}\` | ${cell(reason)} |`,
    ),
  ].join('\n');
}

/** `…` is whatever stands below. */
const keyOf = (row: Row): string => pathsOf(row)[0]!.replace(/\*\*$/, '…');

function howOf({ becomes, to, note }: Row): string {
  if (becomes === 'none') return `None. ${note}`;
  if (becomes === 'different') return `Different. ${note}`;
  return note === '' && to === '' ? 'Nothing to write.' : note;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
