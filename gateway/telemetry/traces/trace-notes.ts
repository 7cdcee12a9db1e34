import type { ObservedNull } from '../../execution';
import type { Policy } from '../../cache/policy';
import type { CachedReply } from '../../cache/responses/answer-headers';
import type { Refusal, RefusedOperation } from '../../request/refusals/refusal';
import type { Span } from './span';

/** What the console shows of a trace besides its spans. Nothing is in it before it is known. */
export interface TraceNotes {
  /** Whether it is recorded however it ends. */
  isChosen?: boolean;
  /** Whether the request has failed, was refused, or was slow. */
  isFailure?: boolean;
  /** Whether it was begun when it was over, so that its steps are not known. */
  isLate?: boolean;
  /** Why it was refused, and the operation that could not be known. */
  refusals?: readonly Refusal[];
  refusedOperation?: RefusedOperation;
  /** The names of the headers that its client has sent, without those of the connection. */
  headers?: readonly string[];
  /** The labels of requirements that its caller does not meet, and denied fields. */
  unmet?: readonly string[];
  client?: { readonly name: string; readonly version: string };
  /** The text of its last operation, and which of its operations was requested. */
  document?: string | undefined;
  operationName?: string | undefined;
  /** Only where values are recorded. */
  variables?: Readonly<Record<string, unknown>>;
  nulls?: readonly ObservedNull[];
  cost?: { readonly estimated: number; actual?: number; readonly limit: number };
  /** The cached answer that was found, or stored. */
  cached?: { readonly policy: Policy; readonly tags: readonly string[] };
}

/**
 * Notes which cached answer was found, or which answer was cached.
 *
 * @param nullsOf why values of it are null. @default undefined: it is noted already
 */
export function noteCached(
  span: Span | undefined,
  answer: CachedReply['answer'] | undefined,
  nullsOf?: (answer: CachedReply['answer']) => readonly ObservedNull[] | undefined,
): void {
  const notes = span?.trace.notes;
  if (notes === undefined || answer === undefined) return;
  notes.cached = { policy: answer.policy, tags: answer.tags.slice(0, mostTags) };
  addNulls(notes, nullsOf?.(answer));
}

/** Adds nulls of an answer; a batch has several answers. */
export function addNulls(notes: TraceNotes | undefined, nulls: readonly ObservedNull[] | undefined): void {
  if (notes === undefined || nulls === undefined) return;
  notes.nulls = [...(notes.nulls ?? []), ...nulls].slice(0, mostNulls);
}

const mostTags = 50;
const mostNulls = 100;
