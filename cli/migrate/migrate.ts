import { basename } from 'node:path';
import { printable } from '../terminal/printable';
import { Draft, type Entry } from './draft';
import { formatPath } from './foreign';
import { completeIssuers } from './issuers';
import { NotMigrated, recognise, type Recognised } from './recognise';
import { type Results, translateFile } from './translate';
import { keepValid } from './valid-options';
import { writeOptions } from './write-options';
import { lostGuards, writeReport } from './write-report';

export interface GivenFile {
  readonly file: string;
  readonly text: string;
}

export interface MigrateOptions {
  /** The gateway, where its keys are not clear. */
  readonly from?: string | undefined;
  /** The supergraph to run, as it is written in the options. */
  readonly supergraph?: string | undefined;
  /** Where the options are written to. */
  readonly output: string;
}

export interface Migration {
  readonly title: string;
  readonly entries: readonly Entry[];
  readonly options: string;
  readonly report: string;
  /** Further files, by their paths from the folder of the options. */
  readonly files: ReadonlyMap<string, string>;
  readonly hasSupergraph: boolean;
}

/**
 * Makes options of the files of one other gateway. What a later file sets wins.
 *
 * @throws {NotMigrated} if there is nothing to make options of
 */
export function migrate(given: readonly GivenFile[], options: MigrateOptions): Migration {
  try {
    return migrateFiles(recognise(given, options.from), options);
  } catch (error) {
    if (error instanceof RangeError) throw new NotMigrated('These files are nested too deeply.');
    throw error;
  }
}

function migrateFiles(recognised: readonly Recognised[], { supergraph, output }: MigrateOptions): Migration {
  const results: Results = { draft: new Draft(), entries: [], otherwise: [], files: new Map() };
  const { draft, entries, files } = results;
  if (supergraph !== undefined) draft.set(['supergraph'], supergraph, { reason: '--supergraph' });
  for (const { peer, file } of recognised) translateFile(peer, file, results);
  for (const { path, value, reason } of [...results.otherwise, ...defaultsOf(recognised)])
    if (!draft.has(path)) draft.set(path, value, { reason });
  completeIssuers(draft);
  keepValid(draft);
  const title = titleOf(recognised);
  const hasSupergraph = draft.has(['supergraph']);
  const head = [
    `From ${title}, by \`weir migrate\`. The report has all keys.`,
    ...(hasSupergraph ? [] : noSupergraph),
    ...lostIn(entries),
  ];
  return {
    ...{ title, entries, files, hasSupergraph },
    options: writeOptions(draft, head),
    report: writeReport(entries, title, output),
  };
}

const noSupergraph = ['Which supergraph is run is not in these files: name it here, or with --supergraph.'];

/** Whoever runs the options without the report must see what they lack. */
function lostIn(entries: readonly Entry[]): string[] {
  const lost = [...new Set(lostGuards(entries).map(({ path }) => printable(formatPath(path), 200)))];
  if (lost.length === 0) return [];
  const more = lost.length > mostLost ? [`  and ${lost.length - mostLost} more`] : [];
  return [
    'These kept somebody out there, and are not the same here:',
    ...lost.slice(0, mostLost).map((key) => `  ${key}`),
    ...more,
  ];
}

const mostLost = 20;

const defaultsOf = (recognised: readonly Recognised[]) => [
  ...new Set(recognised.flatMap(({ peer }) => peer.defaults)),
];

function titleOf(recognised: readonly Recognised[]): string {
  const files = recognised.map(({ file }) => basename(file.file)).join(', ');
  return `${files} (${recognised[0]!.peer.title})`;
}
