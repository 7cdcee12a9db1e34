import type { ObservedNull } from '../../execution';
import type { Policy } from '../../cache/policy';
import type { CachedReply } from '../../cache/responses/answer-headers';
import type { Span } from './span';

/** What the console shows of a trace besides its spans. Nothing is in it before it is known. */
export interface TraceNotes {
  /** Whether it is recorded however it ends. */
  isChosen?: boolean;
  client?: { readonly name: string; readonly version: string };
  /** The text of its last operation, and which of its operations was asked for. */
  document?: string | undefined;
  operationName?: string | undefined;
  /** Only where values are recorded. */
  variables?: Readonly<Record<string, unknown>>;
  nulls?: readonly ObservedNull[];
  cost?: { readonly estimated: number; actual?: number; readonly limit: number };
  /** The cached answer that was found, or stored. */
  cached?: { readonly policy: Policy; readonly tags: readonly string[] };
}

/** Notes which cached answer was found, or which answer was cached. */
export function noteCached(span: Span | undefined, answer: CachedReply['answer'] | undefined): void {
  const notes = span?.trace.notes;
  if (notes === undefined || answer === undefined) return;
  notes.cached = { policy: answer.policy, tags: answer.tags.slice(0, mostTags) };
}

const mostTags = 50;
