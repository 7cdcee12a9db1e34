/** From records to medians, and from medians to the tables that people read. */

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
    const references = referencesIn(rows);
    const rateOf = (name) => rows.find(({ system }) => system === name).perSecond;
    print(`\n${workload.name}: ${workload.about}`);
    table(
      print,
      [
        '',
        'requests/s',
        ...references.map((name) => `× ${labels[name].split(':')[0]}`),
        'p50 ms',
        'p99 ms',
        'p99/p50',
      ]
        .concat(options.latency ? ['p50 at 70 %', 'p99 at 70 %'] : [])
        .concat(['CPU ms', 'calls', 'MB', 'start s', 'other core', 'rounds']),
      rows.map((row) =>
        [
          labels[row.system],
          digits(row.perSecond),
          ...references.map((name) => ratio(row.perSecond / rateOf(name))),
        ]
          .concat([digits(row.p50), digits(row.p99), (row.p99 / row.p50).toFixed(2)])
          .concat(options.latency ? [digits(row.fixedRate?.p50), digits(row.fixedRate?.p99)] : [])
          .concat([
            row.cpuMilliseconds.toFixed(3),
            digits(row.callsPerRequest),
            Math.round(row.residentMegabytes),
          ])
          .concat([row.startSeconds.toFixed(2), `${Math.round(row.otherCoreShare * 100)} %`])
          .concat([`${row.validRounds}/${row.rounds}${row.invalid ? ' !' : ''}`]),
      ),
    );
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
  if (!quotable) print('A quick run: for daily work. Never quote it.');
}

/** The systems that the others are compared with: the first limit B there is, the two rivals with a target, one Weir. */
export function referencesIn(rows) {
  const names = rows.map(({ system }) => system);
  const limit = names.find((name) => name === 'limit-b') ?? names.find((name) => name.startsWith('limit-b@'));
  const severalWeirs = names.filter((name) => name.startsWith('weir')).length > 1;
  return [limit, 'apollo', 'hive-rust', severalWeirs && 'weir'].filter((name) => names.includes(name));
}

function table(print, head, rows) {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
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

function medianOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three digits that count, and thousands apart. */
function digits(value) {
  if (value === undefined || Number.isNaN(value)) return '';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

const ratio = (value) =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
