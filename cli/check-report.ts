import { createHash } from 'node:crypto';
import { styleText } from 'node:util';
import type { CheckedChange, CheckResult, Problem, ProblemLocation, UsedOperation } from '../schema';
import { lazy } from './lazy';

export const reportFormats = ['text', 'json', 'github', 'gitlab'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** An operation that would take more calls of subgraphs, or a longer chain of them. */
export interface PlanWarning {
  readonly operation: UsedOperation;
  readonly before: { readonly fetches: number; readonly chain: number };
  readonly after: { readonly fetches: number; readonly chain: number };
}

export interface Report {
  readonly result: CheckResult;
  readonly plans: readonly PlanWarning[];
  /** What was checked against. */
  readonly name: string;
  /** Nothing runs there yet. */
  readonly isFirst: boolean;
  /** Days. */
  readonly since: number;
}

export function formatReport(report: Report, format: ReportFormat, colours: boolean): string {
  switch (format) {
    case 'text':
      return formatText(report, colours);
    case 'json':
      return `${JSON.stringify(toJson(report), null, 2)}\n`;
    case 'github':
      return findingsOf(report).map(formatGitHub).join('');
    case 'gitlab':
      return `${JSON.stringify(findingsOf(report).map(toGitLab), null, 2)}\n`;
    default:
      return format satisfies never;
  }
}

function formatText(report: Report, colours: boolean): string {
  const { result, plans, name, isFirst, since } = report;
  const { errors, hints, changes, lint, usage, passed } = result;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  const { formatProblem } = lazy.schema();
  const problems = [...errors, ...lint, ...hints.filter(({ level }) => level === 'warning')];
  const blocks = problems.map((problem) => {
    const [first = '', ...rest] = formatProblem(problem).split('\n');
    return [paint(problem.level === 'error' ? 'red' : 'yellow', first), ...rest].join('\n');
  });
  for (const change of changes.filter(({ severity }) => severity !== 'safe')) {
    const style = change.verdict === 'fails' ? 'red' : 'yellow';
    blocks.push(
      [
        paint(style, headlineOf(change, report)),
        ...placesOf(change.locations),
        ...usersOf(change.operations),
      ].join('\n'),
    );
  }
  for (const plan of plans) blocks.push(paint('yellow', `warning ${describePlan(plan)}`));
  const safe = changes.filter(({ severity }) => severity === 'safe');
  if (safe.length > 0) blocks.push(safe.map(({ message }) => paint('green', `safe ${message}`)).join('\n'));
  const weighed =
    errors.length > 0 || changes.length === 0
      ? ''
      : usage === undefined || usage.requests === 0
        ? 'Nothing is known of use, so that every breaking change fails.\n'
        : `Weighed against ${counted(usage.requests, 'request')} of ${counted(usage.operations.length, 'operation')} in the last ${since} days${usage.firstDay === undefined ? '' : `, counted since ${usage.firstDay}`}.\n`;
  const verdict = passed
    ? paint('green', `passed: ${summaryOf(result)}`)
    : paint('red', `failed: ${summaryOf(result)}`);
  const compared = isFirst
    ? `Nothing is published as ${name} yet, so there is nothing to compare with, and no other subgraph to compose with.\n` +
      (passed
        ? ''
        : 'Subgraphs that need one another are checked and published together, with --config FILE.\n')
    : '';
  return `${[...blocks, ''].join('\n\n')}${weighed}${compared}weir check against ${name} ${verdict}.\n`;
}

function headlineOf(change: CheckedChange, { since }: Report): string {
  const { severity, code, message, verdict, requests } = change;
  if (severity !== 'breaking') return `${severity} ${code}: ${message}`;
  if (verdict === 'allowed')
    return requests === 0
      ? `breaking, allowed ${code}: ${message}; nobody used it in ${since} days`
      : `breaking, allowed ${code}: ${message}; used by ${counted(requests, 'request')} in ${since} days`;
  return requests === 0
    ? `breaking ${code}: ${message}`
    : `breaking ${code}: ${message}; used by ${counted(requests, 'request')} in ${since} days`;
}

const mostShown = 5;

/** The operations and clients that would break, those that were seen most often. */
function usersOf(operations: readonly UsedOperation[]): string[] {
  const lines = operations.slice(0, mostShown).map(({ name, hash, requests, clients }) => {
    const by = clients.slice(0, mostShown).map(({ client, version, requests }) => {
      const who = version === '' ? client : `${client} ${version}`;
      return `${who} ${requests}`;
    });
    const others = clients.length > mostShown ? `, and ${clients.length - mostShown} more` : '';
    return `  ${name} (${hash.slice(0, 8)}), ${counted(requests, 'request')}: ${by.join(', ')}${others}`;
  });
  const rest = operations.length - mostShown;
  return rest > 0 ? [...lines, `  and ${rest} more operations`] : lines;
}

function placesOf(locations: readonly ProblemLocation[]): string[] {
  return locations.flatMap(({ file, line, column, subgraph, excerpt }) => [
    `  ${file}:${line}:${column}${subgraph === undefined ? '' : ` (${subgraph})`}`,
    excerpt.replace(/^(?=.)/gm, '    '),
  ]);
}

function describePlan({ operation, before, after }: PlanWarning): string {
  const { name, hash, requests } = operation;
  return (
    `SLOWER_PLAN: ${name} (${hash.slice(0, 8)}, ${counted(requests, 'request')}) would take ` +
    `${after.fetches} calls of subgraphs in place of ${before.fetches}, ${after.chain} in a row in place of ${before.chain}`
  );
}

function summaryOf({ errors, changes, lint }: CheckResult): string {
  if (errors.length > 0) return `it does not compose, with ${counted(errors.length, 'error')}`;
  const breaking = changes.filter(({ verdict }) => verdict === 'fails').length;
  const style = lint.filter(({ level }) => level === 'error').length;
  return [
    'it composes',
    `${counted(changes.length, 'change')} for clients`,
    ...(breaking > 0 ? [`${breaking} of them breaking`] : []),
    ...(style > 0 ? [`${counted(style, 'error')} of style`] : []),
  ].join(', ');
}

const counted = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

function toJson({ result, plans }: Report) {
  const { passed, errors, hints, changes, lint, usage } = result;
  const { requests, firstDay } = usage ?? {};
  return {
    passed,
    errors,
    hints,
    changes,
    lint,
    plans,
    usage: usage === undefined ? null : { requests, firstDay },
  };
}

/** One thing to be shown at a line of a file. */
interface Finding {
  readonly level: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly location: ProblemLocation | undefined;
}

function findingsOf(report: Report): Finding[] {
  const { errors, hints, lint, changes } = report.result;
  const ofProblem = ({ level, code, message, locations }: Problem): Finding => ({
    ...{ level, code, message },
    location: locations[0],
  });
  return [
    ...errors.map(ofProblem),
    ...changes
      .filter(({ severity }) => severity !== 'safe')
      .map((change): Finding => ({
        level: change.verdict === 'fails' ? 'error' : 'warning',
        code: change.code,
        message: [headlineOf(change, report), ...usersOf(change.operations)].join('\n'),
        location: change.locations[0],
      })),
    ...report.plans.map((plan): Finding => ({
      ...{ level: 'warning', code: 'SLOWER_PLAN', location: undefined },
      message: describePlan(plan),
    })),
    ...lint.map(ofProblem),
    ...hints.filter(({ level }) => level === 'warning').map(ofProblem),
  ];
}

/** A workflow command, which GitHub Actions shows beside the line. */
function formatGitHub({ level, code, message, location }: Finding): string {
  const escape = (text: string) =>
    text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => escape(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const place =
    location === undefined
      ? ''
      : `file=${property(location.file)},line=${location.line},col=${location.column},`;
  const command = level === 'info' ? 'notice' : level;
  return `::${command} ${place}title=${property(code)}::${escape(message)}\n`;
}

/** An issue of GitLab's Code Quality report. */
function toGitLab({ level, code, message, location }: Finding) {
  const { file: path = 'schema', line = 1 } = location ?? {};
  return {
    description: message,
    check_name: code,
    fingerprint: createHash('sha256')
      .update(`${code}\n${path}\n${message.split('\n')[0]}`)
      .digest('hex'),
    severity: level === 'error' ? 'critical' : level === 'warning' ? 'minor' : 'info',
    location: { path, lines: { begin: line } },
  };
}
