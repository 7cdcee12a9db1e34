/** From records to medians, and from medians to the tables that people read. */
import { median as medianOf } from './median.mjs';

/** @returns medians by workload and system, over the valid records, or over all (`invalid: true`) when none is. */
export function summarise(records) {
  const groups = Map.groupBy ? Map.groupBy(records, keyOf) : groupBy(records, keyOf);
  return [...groups.values()].map((group) => {
    const valid = group.filter(({ problems }) => problems.length === 0);
    const used = valid.length > 0 ? valid : group;
    const median = (read) => medianOf(used.map(read).filter((value) => value !== undefined));
    const fixedRate = used.some((record) => record.fixedRate) && {
      rate: median((record) => record.fixedRate?.rate),
      p50: median((record) => record.fixedRate?.p50),
      p99: median((record) => record.fixedRate?.p99),
    };
    return {
      workload: group[0].workload,
      system: group[0].system,
      rounds: group.length,
      validRounds: valid.length,
      invalid: valid.length === 0,
      perSecond: median((record) => record.perSecond),
      p50: median((record) => record.p50),
      p99: median((record) => record.p99),
      fixedRate: fixedRate || undefined,
      cpuMilliseconds: median((record) => record.cpuMilliseconds),
      callsPerRequest: median((record) => record.callsPerRequest),
      residentMegabytes: median((record) => record.residentMegabytes),
      startSeconds: median((record) => record.startSeconds),
      otherCoreShare: median((record) => Math.max(record.otherCoreShare, record.helpersShare)),
      workerShares: used[0].workerShares,
    };
  });
}

export function printTables({ medians, labels, quotable, node, options, records }) {
  const print = (line = '') => process.stdout.write(`${line}\n`);
  for (const workload of options.workloads) {
    const rows = medians.filter((row) => row.workload === workload.name);
    if (rows.length === 0) continue;
    print(`\n${workload.name}: ${workload.about}`);
    table(print, columns(rows, labels, options), rows);
  }
  for (const row of medians.filter(({ workerShares }) => workerShares.length > 1)) {
    const one = medians.find(({ workload, system }) => workload === row.workload && system === 'weir');
    const shares = row.workerShares.map((share) => `${Math.round(share * 100)} %`).join(' and ');
    const times =
      one &&
      `; ${ratio(one.cpuMilliseconds / row.cpuMilliseconds)} × the requests per CPU second of one worker`;
    print(
      `\n${row.workload} · ${labels[row.system]}: its processes took ${shares} of the work${times ?? ''}`,
    );
  }
  const problems = records.filter((record) => record.problems.length > 0);
  if (problems.length > 0) print('\nNot used, where a system has valid rounds (!: it has none):');
  for (const record of problems) {
    print(
      `  round ${record.round} · ${record.workload} · ${labels[record.system]}: ${record.problems.join('; ')}`,
    );
  }
  print(
    `\nNode ${node}. Medians of ${options.rounds} rounds, ${options.seconds} s each after ${options.warmUp} s of warm-up; ` +
      `${options.connections} connections, every request with its own authorization, which is forwarded: nothing is ` +
      `cached or shared between requests. The system has one core, the replayed subgraphs and the clients the other.`,
  );
  if (!quotable)
    print('Too short to be quoted, ever: that takes 5 rounds of 10 s, each after 5 s of warm-up.');
}

/** The systems that the others are compared with: the first limit B there is, the two rivals with a target, one Weir. */
export function referencesIn(rows) {
  const names = rows.map(({ system }) => system);
  const limit = names.find((name) => name === 'limit-b') ?? names.find((name) => name.startsWith('limit-b@'));
  const severalWeirs = names.filter((name) => name.startsWith('weir')).length > 1;
  return [limit, 'apollo', 'hive-rust', severalWeirs && 'weir'].filter((name) => names.includes(name));
}

const shortNames = { 'limit-b': 'limit B', apollo: 'Apollo', 'hive-rust': 'Hive Rust', weir: 'Weir' };

function columns(rows, labels, { latency }) {
  const references = referencesIn(rows).map((name) => rows.find(({ system }) => system === name));
  const times = references.map((reference) => [
    `× ${shortNames[reference.system.split('@')[0]]}`,
    ({ perSecond }) => ratio(perSecond / reference.perSecond),
  ]);
  const atFixedRate = [
    ['p50 at 70 %', ({ fixedRate }) => digits(fixedRate?.p50)],
    ['p99 at 70 %', ({ fixedRate }) => digits(fixedRate?.p99)],
  ];
  return [
    ['', ({ system }) => labels[system]],
    ['requests/s', ({ perSecond }) => digits(perSecond)],
    ...times,
    ['p50 ms', ({ p50 }) => digits(p50)],
    ['p99 ms', ({ p99 }) => digits(p99)],
    ['p99/p50', ({ p50, p99 }) => (p99 / p50).toFixed(2)],
    ...(latency ? atFixedRate : []),
    ['CPU ms', ({ cpuMilliseconds }) => cpuMilliseconds.toFixed(3)],
    [
      'CPU ×',
      ({ cpuMilliseconds }) => (references[0] ? ratio(cpuMilliseconds / references[0].cpuMilliseconds) : ''),
    ],
    ['calls', ({ callsPerRequest }) => digits(callsPerRequest)],
    ['MB', ({ residentMegabytes }) => digits(residentMegabytes)],
    ['start s', ({ startSeconds }) => startSeconds.toFixed(2)],
    ['other core', ({ otherCoreShare }) => `${Math.round(otherCoreShare * 100)} %`],
    ['rounds', ({ validRounds, rounds, invalid }) => `${validRounds}/${rounds}${invalid ? ' !' : ''}`],
  ];
}

function table(print, columnsOfTable, rows) {
  const cells = [
    columnsOfTable.map(([head]) => head),
    ...rows.map((row) => columnsOfTable.map(([, cell]) => cell(row))),
  ];
  const widths = columnsOfTable.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  print(line(cells[0]));
  print(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const row of cells.slice(1)) print(line(row));
}

const keyOf = ({ workload, system }) => `${workload} ${system}`;

function groupBy(values, keyOfValue) {
  const groups = new Map();
  for (const value of values) {
    const key = keyOfValue(value);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return groups;
}

/** Three digits that count, and thousands apart. */
function digits(value) {
  if (value === undefined || Number.isNaN(value)) return '';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

const ratio = (value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
