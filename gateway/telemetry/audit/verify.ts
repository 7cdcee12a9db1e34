import { createReadStream } from 'node:fs';
import { type ChainLink, noHash, type ReadLine, readLine } from './record';

export interface AuditFinding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The finding as a sentence. */
  readonly message: string;
}

export interface AuditVerdict {
  readonly records: number;
  /** Findings which show that the trail was changed. */
  readonly problems: readonly AuditFinding[];
  /** Findings that may be harmless, about the beginning and end of files. */
  readonly notes: readonly AuditFinding[];
  /** The last record of each chain. The file does not show whether later records are missing, so compare these. */
  readonly ends: readonly ChainLink[];
}

export interface AuditVerification {
  /** The key with which the records are chained, if there is one. */
  readonly key?: string | undefined;
  /** The hash of the record that the first one follows, if earlier files are gone. */
  readonly after?: string | undefined;
  /** The hash of a record that must be in the trail, such as the last one of an earlier verification. */
  readonly includes?: string | undefined;
  /** Reads trails that are no files. @default it is a file */
  readonly read?: ((trail: string) => AsyncIterable<TrailPart> | undefined) | undefined;
}

/** A part of a trail, in the order in which they were written: a file, or what stands for one. */
export interface TrailPart {
  readonly file: string;
  readonly lines: Iterable<string> | AsyncIterable<string>;
}

/**
 * Finds lines of an audit trail that were changed, removed, added or moved. Several files are one trail, in the order
 * in which they were written. Rejects if a file cannot be read.
 */
export async function verifyAudit(
  files: readonly string[],
  { key, after, includes, read: readTrail }: AuditVerification = {},
): Promise<AuditVerdict> {
  const problems: AuditFinding[] = [];
  const notes: AuditFinding[] = [];
  const ends = new Map<string, ChainLink>();
  let records = 0;
  let isIncluded = includes === undefined || includes === after;

  for await (const { file, lines } of partsOf(files, readTrail)) {
    let number = 0;
    const torn: number[] = [];
    for await (const line of lines) {
      number++;
      if (line === '') continue;
      const add = (list: AuditFinding[], message: string, at = number): void =>
        void list.push({ file, line: at, message });
      const read = readLine(line, key);
      if (read === undefined) {
        torn.push(number);
        continue;
      }
      const { link, previous, isIntact, isContinuation } = read;
      const before = ends.get(link.chain) ?? startOf(read, after);
      const seq = isContinuation ? link.seq + 1 : link.seq;
      const follows = previous === before.hash && seq === before.seq + 1;
      // A process that died may leave half a line. The next process continues from the record before it.
      for (const at of torn.splice(0)) {
        if (follows) add(notes, 'It was cut short while it was written; the trail goes on behind it.', at);
        else add(problems, 'It is no record.', at);
      }
      if (!isIntact) add(problems, 'It was changed: its hash is of another text, or made with another key.');
      if (!follows && isContinuation && !ends.has(link.chain))
        add(problems, `It goes on behind record ${link.seq}, ${link.hash}: in an earlier file, or removed.`);
      else if (!follows) add(problems, link.hash === before.hash ? doubled : breakOf(seq, before.seq));
      else if (!ends.has(link.chain) && before.seq > 0)
        add(
          notes,
          `It goes on behind record ${before.seq}, ${before.hash}, which stands in an earlier file.`,
        );
      ends.set(link.chain, link);
      isIncluded ||= link.hash === includes;
      if (!isContinuation) records++;
    }
    for (const line of torn) notes.push({ file, line, message: 'It was cut short while it was written.' });
  }
  // Without the hash of an earlier record, an emptied trail cannot be distinguished from an unused one.
  if (ends.size === 0 && after === undefined)
    problems.push({
      file: files[0]!,
      line: 1,
      message: 'No record is there: the trail was emptied, or has none yet.',
    });
  if (!isIncluded)
    problems.push({
      ...{ file: files[0]!, line: 1 },
      message: `The record with the hash ${includes} is missing: it was removed, or the trail was begun anew.`,
    });
  return { records, problems, notes, ends: [...ends.values()] };
}

/** The link that the first record of a chain must follow: the start of a chain, or the record given by `after`. */
function startOf({ link: { chain, seq }, previous, isContinuation }: ReadLine, after?: string): ChainLink {
  if (previous === after) return { chain, seq: isContinuation ? seq : seq - 1, hash: after };
  return { chain, seq: 0, hash: noHash };
}

async function* partsOf(files: readonly string[], read: AuditVerification['read']): AsyncIterable<TrailPart> {
  for (const file of files) yield* read?.(file) ?? [{ file, lines: linesOf(file) }];
}

/** The lines of a file. `readline` also splits at U+2028 and U+2029, which a client may send in an argument. */
export async function* linesOf(file: string): AsyncIterable<string> {
  let rest = '';
  for await (const piece of createReadStream(file, 'utf8')) {
    const lines = (rest + (piece as string)).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

const doubled = 'It is the record before it once more.';

function breakOf(seq: number, before: number): string {
  const missing = seq - before - 1;
  const records = missing === 1 ? 'A record is' : `${missing} records are`;
  if (missing > 0 && before === 0) return `${records} missing before it: in an earlier file, or removed.`;
  if (missing > 0) return `${records} missing before it.`;
  if (missing === 0) return 'The record before it was changed or exchanged.';
  return `It does not stand where it was written: it is record ${seq} behind record ${before}.`;
}
