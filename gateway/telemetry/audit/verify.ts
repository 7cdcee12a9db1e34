import { createReadStream } from 'node:fs';
import { type Link, noHash, readLine } from './record';

export interface AuditFinding {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** A sentence. */
  readonly says: string;
}

export interface AuditVerdict {
  readonly records: number;
  /** What shows that the trail is not as it was written. */
  readonly problems: readonly AuditFinding[];
  /** What need not: how files begin and end. */
  readonly notes: readonly AuditFinding[];
  /** The last record of each chain. That nothing is missing after it cannot be seen from the file: compare it. */
  readonly ends: readonly Link[];
}

/**
 * Finds lines of an audit trail that were changed, removed, added or moved. Several files are one trail, in the order
 * in which they were written. Rejects when a file cannot be read.
 */
export async function verifyAudit(files: readonly string[], key?: string): Promise<AuditVerdict> {
  const problems: AuditFinding[] = [];
  const notes: AuditFinding[] = [];
  const ends = new Map<string, Link>();
  let records = 0;

  for (const file of files) {
    let number = 0;
    const torn: number[] = [];
    for await (const line of linesOf(file)) {
      number++;
      if (line === '') continue;
      const say = (list: AuditFinding[], says: string, at = number): void =>
        void list.push({ file, line: at, says });
      const read = readLine(line, key);
      if (read === undefined) {
        torn.push(number);
        continue;
      }
      const { link, previous, isIntact } = read;
      const before = ends.get(link.chain);
      const follows = before === undefined || (previous === before.hash && link.seq === before.seq + 1);
      // A process that died left half a line, and the next one went on from the record before.
      for (const at of torn.splice(0)) {
        if (follows) say(notes, 'It was cut short while it was written; the trail goes on behind it.', at);
        else say(problems, 'It is no record.', at);
      }
      if (!isIntact) say(problems, 'It was changed: its hash is of another text, or made with another key.');
      if (!follows) say(problems, breakOf(link, before));
      else if (before === undefined && previous !== noHash)
        say(notes, `It goes on from record ${link.seq - 1}, which stands in an earlier file.`);
      ends.set(link.chain, link);
      records++;
    }
    for (const line of torn) notes.push({ file, line, says: 'It was cut short while it was written.' });
  }
  return { records, problems, notes, ends: [...ends.values()] };
}

/** Not those of `readline`: it also ends lines at U+2028 and U+2029, which a client may send in an argument. */
async function* linesOf(file: string): AsyncIterable<string> {
  let rest = '';
  for await (const piece of createReadStream(file, 'utf8')) {
    const lines = (rest + (piece as string)).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function breakOf({ seq }: Link, before: Link): string {
  const missing = seq - before.seq - 1;
  if (missing > 0) return `${missing === 1 ? 'A record is' : `${missing} records are`} missing before it.`;
  if (missing === 0) return 'The record before it was changed or exchanged.';
  return `It does not stand where it was written: it is record ${seq} behind record ${before.seq}.`;
}
