import { basename } from 'node:path';
import { printable } from '../terminal/printable';
import type { Entry } from './draft';
import { formatPath } from './foreign';

export interface Counts {
  readonly same: number;
  readonly different: number;
  readonly none: number;
  readonly unknown: number;
}

export const countsOf = (entries: readonly Entry[]): Counts => {
  const of = (kind: Entry['becomes']): number => entries.filter(({ becomes }) => becomes === kind).length;
  return { same: of('same'), different: of('different'), none: of('none'), unknown: of('unknown') };
};

export const formatCounts = ({ same, different, none, unknown }: Counts): string =>
  `${same} taken over, ${different} different, ${none} without counterpart, ${unknown} unknown`;

/** What kept somebody out and is not taken over as it was. */
export const lostGuards = (entries: readonly Entry[]): Entry[] =>
  entries.filter(({ guards, becomes, isWritten }) => guards && becomes !== 'same' && !isWritten);

/** The report, in Markdown: every key of the files is in it, and no value. */
export function writeReport(entries: readonly Entry[], title: string, output: string): string {
  const of = (kind: Entry['becomes']): Entry[] => entries.filter(({ becomes }) => becomes === kind);
  return [
    `# From ${title} to ${basename(output)}`,
    '',
    `Keys: ${formatCounts(countsOf(entries))}. Values are not in this report.`,
    ...section(
      'Look at these first',
      'They kept somebody out there, and are not the same here.',
      lostGuards(entries),
    ),
    ...section(
      'Unknown',
      'No version that `weir migrate` knows has these keys. Nothing was written for them.',
      of('unknown'),
    ),
    ...section('No counterpart', 'No option does this. What to do instead:', of('none')),
    ...section('Different', 'It does not do quite the same, or has to be finished by hand:', of('different')),
    ...section('Taken over', '', of('same')),
    '',
  ].join('\n');
}

function section(title: string, said: string, entries: readonly Entry[]): string[] {
  if (entries.length === 0) return [];
  return [
    ...['', `## ${title}`, ''],
    ...(said === '' ? [] : [said, '']),
    ...['| key | weir.yaml | |', '| --- | --- | --- |'],
    ...rowsOf(entries),
  ];
}

/** As many keys of one row that each has a line of its own. */
const mostOfOne = 20;

/** Of a long list below one key, such as the plan of another gateway, the first keys and the number of the others. */
function rowsOf(entries: readonly Entry[]): string[] {
  const groups = new Map<string, { readonly all: number; shown: number }>();
  for (const entry of entries) {
    const group = groupOf(entry);
    if (group !== undefined) groups.set(group, { all: (groups.get(group)?.all ?? 0) + 1, shown: 0 });
  }
  return entries.flatMap((entry) => {
    const row = `| ${keyOf(entry)} | ${cell(entry.to)} | ${cell(entry.note)} |`;
    const group = groups.get(groupOf(entry) ?? '');
    if (group === undefined || ++group.shown <= mostOfOne) return [row];
    return group.shown === mostOfOne + 1
      ? [`| \`${cell(formatPath(entry.below!))}\` and ${group.all - mostOfOne} more keys below it | | |`]
      : [];
  });
}

const groupOf = ({ file, below }: Entry): string | undefined =>
  below === undefined ? undefined : JSON.stringify([file, below]);

const keyOf = ({ file, line, path }: Entry): string =>
  `\`${cell(formatPath(path)).replaceAll('`', "'")}\`, ${cell(basename(file))}${line === undefined ? '' : `:${line}`}`;

/** The pages of the documentation are not beside the report. */
const withoutLinks = (text: string): string =>
  text.replaceAll(/\[([^[\]]+)\]\(([\w.-]+\.md[\w#-]*)\)/g, '$1 (docs/$2)');

const cell = (text: string): string =>
  printable(withoutLinks(text)).replaceAll('\\', '\\\\').replaceAll('|', '\\|');
