import { createHash } from 'node:crypto';
import type {
  CheckedChange,
  CheckedVariant,
  CheckResult,
  Problem,
  ProblemLocation,
  UsedOperation,
} from '../../schema';
import type { Paint } from '../terminal/colours';
import { showProblem } from '../terminal/problems';

export const reportFormats = ['text', 'json', 'github', 'gitlab'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** Whether a format is for annotations in a web page, in addition to the log. */
export const isAnnotation = (format: ReportFormat): boolean => format === 'github' || format === 'gitlab';

/** An operation that would need more subgraph calls, or more of them in sequence. */
export interface PlanWarning {
  readonly operation: UsedOperation;
  readonly before: { readonly fetches: number; readonly chain: number };
  readonly after: { readonly fetches: number; readonly chain: number };
}

/** An operation that is a tool of agents, and does not fit the graph. */
export interface BrokenTool {
  readonly name: string;
  readonly reason: string;
  /** Its file, with line and column. */
  readonly location: Pick<ProblemLocation, 'file' | 'line' | 'column'>;
}

export interface Report {
  readonly result: CheckResult;
  /** Whether the result is that all is well, and there is no broken tool. */
  readonly passed: boolean;
  readonly tools: readonly BrokenTool[];
  readonly plans: readonly PlanWarning[];
  /** The variant that was checked. */
  readonly name: string;
  /** Whether the variant has no supergraph yet. */
  readonly isFirst: boolean;
  /** Days. */
  readonly since: number;
}

export function formatReport(report: Report, format: ReportFormat, paint: Paint): string {
  switch (format) {
    case 'text':
      return formatText(report, paint);
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

function formatText(report: Report, paint: Paint): string {
  const { result, passed, tools, plans, name, isFirst } = report;
  const { errors, hints, changes, lint } = result;
  const showChange = (change: CheckedChange, prefix = ''): string => {
    const style = change.verdict === 'fails' ? 'red' : 'yellow';
    return [
      paint(style, `${prefix}${headlineOf(change, report)}`),
      ...placesOf(change.locations),
      ...usersOf(change.operations),
    ].join('\n');
  };
  const problems = [...errors, ...lint, ...hints.filter(({ level }) => level === 'warning')];
  const blocks = problems.map((problem) => showProblem(problem, paint));
  for (const change of changes.filter(isNotable)) blocks.push(showChange(change));
  for (const { name, errors, changes } of contractsOf(report)) {
    for (const error of errors) blocks.push(showProblem(error, paint, `${name}: `));
    for (const change of changes) blocks.push(showChange(change, `${name}: `));
  }
  for (const tool of tools)
    blocks.push(`${paint('red', `error ${describeTool(tool)}`)}\n  ${positionOf(tool)}`);
  for (const plan of plans) blocks.push(paint('yellow', `warning ${describePlan(plan)}`));
  const safe = changes.filter(({ severity }) => severity === 'safe');
  if (safe.length > 0) blocks.push(safe.map(({ message }) => paint('green', `safe ${message}`)).join('\n'));
  const weighed = [
    weightOf(result, report),
    ...Object.entries(result.contracts).map(([name, contract]) => weightOf(contract, report, `${name}: `)),
  ].join('');
  const verdict = passed
    ? paint('green', `passed: ${summaryOf(report)}`)
    : paint('red', `failed: ${summaryOf(report)}`);
  const compared = isFirst
    ? `Nothing is published as ${name} yet, so there is nothing to compare or compose with.\n` +
      (passed ? '' : 'Check and publish subgraphs that need one another together, with --config FILE.\n')
    : '';
  return `${[...blocks, ''].join('\n\n')}${weighed}${compared}weir check against ${name} ${verdict}.\n`;
}

const isNotable = ({ severity }: CheckedChange): boolean => severity !== 'safe';

/** The findings for contracts, without those that the variant also has. */
function contractsOf({ result }: Report): (Pick<CheckedVariant, 'errors' | 'changes'> & { name: string })[] {
  const reported = new Map(result.changes.map(({ message, verdict }) => [message, verdict]));
  return Object.entries(result.contracts).map(([name, { errors, changes }]) => ({
    name,
    errors,
    changes: changes.filter(
      (change) =>
        isNotable(change) &&
        (reported.get(change.message) !== change.verdict || change.operations.length > 0),
    ),
  }));
}

/** A sentence about the usage data with which breaking changes were compared. */
function weightOf({ changes, usage }: CheckedVariant, { since }: Report, prefix = ''): string {
  if (changes.length === 0) return '';
  if (usage === undefined || usage.requests === 0)
    return `${prefix}No usage data yet, so every breaking change fails the check.\n`;
  const { requests, operations, firstDay } = usage;
  const counting = firstDay === undefined ? '' : `, counted since ${firstDay}`;
  return `${prefix}Compared with ${counted(requests, 'request')} of ${counted(operations.length, 'operation')} in the last ${since} days${counting}.\n`;
}

function headlineOf(change: CheckedChange, { since }: Report): string {
  const { severity, code, message, verdict, requests } = change;
  if (severity !== 'breaking') return `${severity} ${code}: ${message}`;
  if (verdict === 'allowed')
    return requests === 0
      ? `breaking, allowed ${code}: ${message}; not used in ${since} days`
      : `breaking, allowed ${code}: ${message}; used by ${counted(requests, 'request')} in ${since} days`;
  return requests === 0
    ? `breaking ${code}: ${message}`
    : `breaking ${code}: ${message}; used by ${counted(requests, 'request')} in ${since} days`;
}

const mostShown = 5;

/** The operations and clients that would break, the most frequent ones first. */
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
    `SLOWER_PLAN: ${name} (${hash.slice(0, 8)}, ${counted(requests, 'request')}) would need ` +
    `${after.fetches} subgraph calls instead of ${before.fetches}, ${after.chain} in sequence instead of ${before.chain}`
  );
}

const describeTool = ({ name, reason }: BrokenTool): string => `TOOL_INVALID: ${name}: ${reason}`;
const positionOf = ({ location: { file, line, column } }: BrokenTool): string => `${file}:${line}:${column}`;

function summaryOf({ result: { errors, changes, lint, contracts }, tools }: Report): string {
  if (errors.length > 0) return `it does not compose, with ${counted(errors.length, 'error')}`;
  const breaking = changes.filter(({ verdict }) => verdict === 'fails').length;
  const style = lint.filter(({ level }) => level === 'error').length;
  return [
    'it composes',
    `${counted(changes.length, 'change')} for clients`,
    ...(breaking > 0 ? [`${breaking} of them breaking`] : []),
    ...(style > 0 ? [counted(style, 'style error')] : []),
    ...(tools.length > 0 ? [counted(tools.length, 'broken tool')] : []),
    ...Object.entries(contracts).flatMap(([name, { passed }]) =>
      passed ? [] : [`its contract ${name} fails`],
    ),
  ].join(', ');
}

const counted = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

function toJson({ result, passed, tools, plans }: Report) {
  const { lint, contracts } = result;
  return {
    passed,
    ...variantToJson(result),
    lint,
    tools,
    plans,
    contracts: Object.fromEntries(
      Object.entries(contracts).map(([name, contract]) => [
        name,
        { passed: contract.passed, ...variantToJson(contract) },
      ]),
    ),
  };
}

function variantToJson({ errors, hints, changes, usage }: CheckedVariant) {
  const { requests, firstDay } = usage ?? {};
  return { errors, hints, changes, usage: usage === undefined ? null : { requests, firstDay } };
}

/** A finding at a line of a file. */
interface Finding {
  readonly level: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly location: ProblemLocation | undefined;
}

function findingsOf(report: Report): Finding[] {
  const { errors, hints, lint, changes } = report.result;
  const ofProblem = ({ level, code, message, locations }: Problem, prefix = ''): Finding => ({
    ...{ level, code },
    message: `${prefix}${message}`,
    location: locations[0],
  });
  const ofChange = (change: CheckedChange, prefix = ''): Finding => ({
    level: change.verdict === 'fails' ? 'error' : 'warning',
    code: change.code,
    message: [`${prefix}${headlineOf(change, report)}`, ...usersOf(change.operations)].join('\n'),
    location: change.locations[0],
  });
  return [
    ...errors.map((error) => ofProblem(error)),
    ...changes.filter(isNotable).map((change) => ofChange(change)),
    ...contractsOf(report).flatMap(({ name, errors, changes }) => [
      ...errors.map((error) => ofProblem(error, `${name}: `)),
      ...changes.map((change) => ofChange(change, `${name}: `)),
    ]),
    ...report.tools.map((tool): Finding => ({
      ...{ level: 'error', code: 'TOOL_INVALID' },
      message: describeTool(tool),
      location: { ...tool.location, excerpt: '' },
    })),
    ...report.plans.map((plan): Finding => ({
      ...{ level: 'warning', code: 'SLOWER_PLAN', location: undefined },
      message: describePlan(plan),
    })),
    ...lint.map((problem) => ofProblem(problem)),
    ...hints.filter(({ level }) => level === 'warning').map((hint) => ofProblem(hint)),
  ];
}

/** A workflow command, which GitHub Actions shows at the line. */
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
