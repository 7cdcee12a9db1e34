import { createHash, createHmac } from 'node:crypto';
import type { AuditAction } from '../../options/audit';

/** What an audit trail tells of one mutation or one administrative action. */
export interface AuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly action: AuditAction;
  /** The correlation id of the request: the one in its answer, in the access log and in the logs of subgraphs. */
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly identity?: AuditIdentity | undefined;
  /** Of the client, as the gateway sees it. */
  readonly address?: string | undefined;
  readonly operation?: string | null | undefined;
  /** The root fields of the mutation, such as `Mutation.placeOrder`. */
  readonly coordinates?: readonly string[] | undefined;
  /** The arguments of the root fields, by response key; secrets are redacted. */
  readonly arguments?: unknown;
  readonly outcome: 'ok' | 'failed';
  /** Codes of the errors that the client got. */
  readonly errors?: readonly string[] | undefined;
  /** Of an administrative action. */
  readonly details?: unknown;
}

export interface AuditIdentity {
  readonly mode: string;
  readonly subject?: string | undefined;
  readonly client?: string | undefined;
}

/** Where a record stands in its chain. */
export interface Link {
  /** Which chain it is: one for each file, and one for each process that writes to its standard output. */
  readonly chain: string;
  /** From 1 on. */
  readonly seq: number;
  /** The hash of the record before, in hexadecimal. */
  readonly hash: string;
}

/** What the first record of a chain has before it. */
export const noHash = '0'.repeat(64);

/**
 * A record as a line of JSON that is chained to the one before: its `hash` is the SHA-256 of the line without the
 * hash, in which `previous` is the hash of the record before. With a key it is the HMAC, which only who knows the key
 * can make.
 */
export function chain(
  record: AuditRecord,
  before: Link,
  key: string | undefined,
): { line: string; link: Link } {
  const seq = before.seq + 1;
  const text = JSON.stringify({ chain: before.chain, seq, ...record, previous: before.hash });
  const hash = hashOf(text, key);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}\n`, link: { chain: before.chain, seq, hash } };
}

/**
 * The line that a file begins with whose chain begins in an earlier one, as where it was copied and emptied: it is no
 * record, and says which one the next follows: what whoever checks the file has to have from the one before.
 */
export function continuation({ chain, seq, hash }: Link, key: string | undefined): string {
  const text = JSON.stringify({ chain, seq, action: continues, previous: hash });
  return `${text.slice(0, -1)},"hash":"${hashOf(text, key)}"}\n`;
}

const continues = 'trail.continue';

export type ReadLine = {
  /** Where the chain stands behind the line. */
  readonly link: Link;
  readonly previous: string;
  readonly isIntact: boolean;
  /** Whether it is no record, but says which one the next follows. */
  readonly isContinuation: boolean;
};

/** Reads a line back. Undefined where it is neither a record nor a continuation. */
export function readLine(line: string, key: string | undefined): ReadLine | undefined {
  // Texts may hold U+2028 and U+2029, which JSON leaves as they are and `.` alone takes for the end of a line.
  const parts = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/s.exec(line);
  if (parts === null) return undefined;
  const text = `${parts[1]!}}`;
  const hash = parts[2]!;
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { chain, seq, action, previous } = record as Record<string, unknown>;
  if (typeof chain !== 'string' || typeof seq !== 'number' || typeof previous !== 'string') return undefined;
  const isContinuation = action === continues;
  return {
    link: { chain, seq, hash: isContinuation ? previous : hash },
    previous,
    isIntact: hashOf(text, key) === hash,
    isContinuation,
  };
}

function hashOf(text: string, key: string | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return hash.update(text).digest('hex');
}
