import { differenceKinds, type DifferenceSide } from '../../gateway/replay/difference';
import type { FiguresData, OperationData, PathData, ReplayReportData } from '../../gateway/replay/report';
import type { Context } from '../context';
import { paintFor } from '../terminal/colours';
import { printable } from '../terminal/printable';
import { type SkipReason, skipReasons } from './requests';

/** What `weir replay --format json` prints. */
export interface FinishedReplay extends ReplayReportData {
  readonly endpoints: { readonly a: string; readonly b: string };
  readonly rules: {
    readonly ignore: readonly string[];
    readonly unordered: readonly string[];
    readonly values: boolean;
  };
  /** Requests of the input; fewer were compared if it was stopped. */
  readonly requests: number;
  /** Of the compared pairs of answers, those that have no data: both refuse the request. */
  readonly withoutData: number;
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
}

/** The report for people. */
export function describeReplay(replay: FinishedReplay, context: Pick<Context, 'stdout' | 'env'>): string {
  const { endpoints, skipped, withoutData } = replay;
  const notes = [
    ...(withoutData === 0 ? [] : [`Refused by both, without data: ${withoutData}.`]),
    ...(Object.keys(skipped).length === 0 ? [] : [describeSkipped(skipped)]),
  ];
  return describeComparison(replay, context, { endpoints, notes });
}

/** Operations with differences in full, and the others as a number. @param notes sentences, each for a line */
export function describeComparison(
  report: ReplayReportData,
  { stdout, env }: Pick<Context, 'stdout' | 'env'>,
  { endpoints, notes }: Pick<FinishedReplay, 'endpoints'> & { readonly notes: readonly string[] },
): string {
  const paint = paintFor(stdout, { env });
  const { operations, compared, equal, different } = report;
  const [differing, others] = [
    operations.filter((each) => each.different > 0),
    operations.filter((each) => each.different === 0),
  ];
  const differences = paint(different > 0 ? 'red' : 'green', `${different} different`);
  return [
    ...table([
      ['', '', 'p50', 'p99', 'calls'],
      ...(['a', 'b'] as const).map((side) => [
        side.toUpperCase(),
        printable(endpoints[side]),
        ...figures(report[side]),
      ]),
    ]),
    '',
    `${counted(compared, 'request')} of ${counted(operations.length, 'operation')}: ${equal} equal, ${differences}.`,
    ...notes,
    ...differing.slice(0, mostOperations).flatMap((operation) => ['', ...describeOperation(operation)]),
    ...(differing.length > mostOperations
      ? ['', `${differing.length - mostOperations} more operations have differences: --format json has all.`]
      : []),
    ...(differing.length > 0 && others.length > 0
      ? ['', `${counted(others.length, 'other operation')}: equal.`]
      : []),
    '',
  ].join('\n');
}

/** Such as `Left out: mutations (3), uploads (1).` */
export function describeSkipped(skipped: FinishedReplay['skipped']): string {
  const parts = Object.entries(skipped).map(
    ([reason, count]) => `${skipReasons[reason as SkipReason]} (${count})`,
  );
  return parts.length === 0 ? 'Nothing was left out.' : `Left out: ${parts.join(', ')}.`;
}

const mostOperations = 20;
const mostPaths = 10;

function describeOperation({ name, hash, text, compared, different, a, b, paths }: OperationData): string[] {
  const title = name ?? (text === undefined ? 'operation' : 'unnamed operation');
  return [
    `${printable(title, 100)} (${printable(hash.slice(0, 12))}): ${different} of ${compared} different; p50 ${figures(a)[0]} / ${figures(b)[0]}`,
    ...(text === undefined ? [] : [`  ${printable(text, 120)}`]),
    ...paths.slice(0, mostPaths).flatMap(describePath),
    ...(paths.length > mostPaths ? [`  ${paths.length - mostPaths} more paths: --format json has all.`] : []),
  ];
}

const describePath = ({ path, kind, count, examples }: PathData): string[] => [
  `  ${printable(path === '' ? 'the answer' : path)}: ${differenceKinds[kind]}, ${counted(count, 'time')}`,
  ...examples.map(
    ({ at, a, b, from }) =>
      `    ${printable(at === '' ? 'the answer' : at)}: A ${describeSide(a)}, B ${describeSide(b)}${from === undefined ? '' : ` (${printable(from)})`}`,
  ),
];

const describeSide = ({ shape, value }: DifferenceSide): string =>
  printable(value === undefined ? shape : `${shape} ${value}`, 250);

const figures = ({ p50, p99, calls }: FiguresData): string[] => [
  ...[p50, p99].map((time) => (time === null ? '–' : `${time} ms`)),
  calls === null ? '–' : String(calls),
];

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
