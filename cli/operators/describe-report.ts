/** The text of `weir report`, at most 80 columns wide. */
import type { CallReport, ChattyPair, CountedCache, ServicePair } from '../../gateway/console/api';
import { servedOf } from '../../gateway/console/call-advice';
import { requestsOf } from '../../gateway/console/call-report';
import { printable } from '../terminal/printable';

export function describeReport(found: CallReport): string {
  const { operations, pairs, services, caches, advice, processes } = found;
  const requests = operations.reduce((sum, operation) => sum + requestsOf(operation), 0);
  const used = caches.filter((cache) => servedOf(cache) + cache.misses + cache.refreshed > 0);
  const lines = [
    `${processes === 1 ? 'One process' : `${processes} processes`}, ${periodOf(found)}`,
    ...wrap(summaryOf(found, requests), ''),
    ...section(
      ['Service calls service', 'calls', 'per request'],
      services.map((pair) => serviceRow(pair)),
      requests === 0 ? 'No subgraph was called.' : '',
    ),
    ...section(
      ['Operation calls service', 'per request', 'planned', 'merged', 'shared', 'batched', 'cached'],
      pairs.map((pair) => pairRow(pair)),
      '',
    ),
    ...section(
      ['Cache', 'asked', 'hits', 'stale', 'mean age', 'refreshed', 'changed'],
      used.map((cache) => cacheRow(cache)),
      '',
    ),
    '',
    ...(advice.length === 0
      ? ['Nothing is to be gained, as far as these counts say.']
      : ['Advice', ...advice.flatMap((each) => wrap(printable(each), '- '))]),
  ];
  return `${lines.join('\n')}\n`;
}

function periodOf({ since, at }: CallReport): string {
  const time = (when: number): string => `${new Date(when).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return `${time(since)} to ${time(at)}`;
}

function summaryOf({ operations }: CallReport, requests: number): string {
  const sums = { planned: 0, merged: 0, deduplicated: 0, batched: 0, cached: 0, sent: 0 };
  for (const { fetches } of operations)
    for (const each of Object.values(fetches))
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += each[name];
  const answered = operations.reduce((sum, { answers }) => sum + answers.hit + answers.stale, 0);
  const saved = sums.merged + sums.deduplicated + sums.batched + sums.cached;
  return (
    `${requests} client requests, ${answered} of them answered by the response cache. Of ${sums.planned} planned ` +
    `calls ${saved} were saved: ${sums.merged} merged, ${sums.deduplicated} shared, ${sums.batched} batched, ` +
    `${sums.cached} cached. ${sums.sent} were sent.`
  );
}

const serviceRow = ({ from, to, calls, callsPerRequest }: ServicePair): string[] => [
  `${from} → ${to}`,
  String(Math.round(calls)),
  callsPerRequest.toFixed(2),
];

/** The first two numbers are per request. */
function pairRow({ operation, subgraph, callsPerRequest, plannedPerRequest, saved }: ChattyPair): string[] {
  const { merged, deduplicated, batched, cached } = saved;
  return [
    `${operation} → ${subgraph}`,
    callsPerRequest.toFixed(2),
    plannedPerRequest.toFixed(2),
    ...[merged, deduplicated, batched, cached].map(String),
  ];
}

function cacheRow(cache: CountedCache): string[] {
  const { subgraph, type, misses, refreshed, changed, ages } = cache;
  const served = servedOf(cache);
  const fresh = ages.fresh.counts.reduce((sum, count) => sum + count, 0);
  const seconds = Object.values(ages).reduce((sum, each) => sum + each.sum, 0);
  const asked = served + misses;
  return [
    subgraph === undefined ? 'answers' : `${type} of ${subgraph}`,
    String(asked),
    share(fresh, asked),
    share(served - fresh, asked),
    served === 0 ? '-' : `${(seconds / served).toFixed(1)} s`,
    String(refreshed),
    share(changed, refreshed),
  ];
}

const share = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${Math.round((part / whole) * 100)} %`;

/** A table with a title row, the first column to the left, the others to the right. */
function section(title: readonly string[], rows: readonly (readonly string[])[], none: string): string[] {
  if (rows.length === 0) return none === '' ? [] : ['', none];
  const shown = [title, ...rows.slice(0, mostRows)];
  const numbers = title.slice(1).map((_, column) => Math.max(...shown.map((row) => row[column + 1]!.length)));
  const left = width - numbers.reduce((sum, each) => sum + each + 2, 0);
  const first = Math.min(left, Math.max(...shown.map(([name]) => printable(name!).length)));
  const lines = shown.map(([name, ...cells]) =>
    [shorten(printable(name!), first), ...cells.map((cell, i) => cell.padStart(numbers[i]!))].join('  '),
  );
  const more = rows.length - mostRows;
  return ['', ...lines, ...(more > 0 ? [`… and ${more} more: --format json has all`] : [])];
}

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text.padEnd(most);

/** The lines of a text, the first with the mark in front, the others as far to the right. */
function wrap(text: string, mark: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width - mark.length) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each, i) => (i === 0 ? mark : ' '.repeat(mark.length)) + each);
}

const width = 80;
const mostRows = 10;
