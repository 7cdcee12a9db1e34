import { createHash, createHmac } from 'node:crypto';
import type { AuditAction } from '../../options/audit';

/** The record of one mutation, one administrative action, or one event of a subgraph. */
export interface AuditRecord {
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly action: AuditAction | 'event';
  /** The correlation id of the request: the one in its answer, in the access log and in the logs of subgraphs. */
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly identity?: AuditIdentity | undefined;
  /** The IP address of the client. */
  readonly address?: string | undefined;
  readonly operation?: string | null | undefined;
  /** The graph that the request has chosen, or whose supergraph is new, where there are several. */
  readonly graph?: string | undefined;
  /** The root fields of the mutation, such as `Mutation.placeOrder`. */
  readonly coordinates?: readonly string[] | undefined;
  /** The arguments of the root fields, by response key; secrets are redacted. */
  readonly arguments?: unknown;
  readonly outcome: 'ok' | 'failed';
  /** Codes of the errors that the client got. */
  readonly errors?: readonly string[] | undefined;
  /** Only for a call of a tool, an administrative action or an event. */
  readonly details?: unknown;
}

export interface AuditIdentity {
  readonly mode: string;
  readonly subject?: string | undefined;
  readonly client?: string | undefined;
}

/** The position of a record in its chain. */
export interface ChainLink {
  /** The id of the chain: one per file, and one per process that writes to standard output. */
  readonly chain: string;
  /** From 1. */
  readonly seq: number;
  /** The hash of the previous record, in hex. */
  readonly hash: string;
}

/** The hash before the first record of a chain. */
export const noHash = '0'.repeat(64);

/**
 * Writes a record as a line of JSON that is chained to the previous one. Its `hash` is the SHA-256 of the line without
 * the hash, and its `previous` is the hash of the previous record. With a key it is the HMAC, which needs the key.
 */
export function chain(
  record: AuditRecord,
  before: ChainLink,
  key: string | undefined,
): { line: string; link: ChainLink } {
  const seq = before.seq + 1;
  const text = JSON.stringify({ chain: before.chain, seq, ...record, previous: before.hash });
  const hash = hashOf(text, key);
  return { line: `${text.slice(0, -1)},"hash":"${hash}"}\n`, link: { chain: before.chain, seq, hash } };
}

/**
 * The first line of a file whose chain began in an earlier file, for example if the file was copied and emptied. It is
 * no record. It names the record that the next one follows, which a verification must find in the earlier file.
 */
export function continuation({ chain, seq, hash }: ChainLink, key: string | undefined): string {
  const text = JSON.stringify({ chain, seq, action: continues, previous: hash });
  return `${text.slice(0, -1)},"hash":"${hashOf(text, key)}"}\n`;
}

const continues = 'trail.continue';

export type ReadLine = {
  /** The position in the chain after the line. */
  readonly link: ChainLink;
  readonly previous: string;
  readonly isIntact: boolean;
  /** Whether the line is a continuation and no record. */
  readonly isContinuation: boolean;
};

/** Parses a line. Undefined if it is neither a record nor a continuation. */
export function readLine(line: string, key: string | undefined): ReadLine | undefined {
  // The flag `s` is needed as JSON texts may contain U+2028 and U+2029, which `.` does not match without it.
  const parts = /^(\{.*),"hash":"([0-9a-f]+)"\}$/s.exec(line);
  const hash = parts?.[2];
  if (parts === null || hash?.length !== 64) return undefined;
  const text = `${parts[1]!}}`;
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
