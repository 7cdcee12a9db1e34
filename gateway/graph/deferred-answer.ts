import { GraphQLError } from 'graphql';
import type { OperationResult } from '../cache/responses/response-cache';
import { fieldError } from '../errors';
import type { ExecutionPart, ExecutionParts } from '../execution';
import type { IncrementalFormat } from '../request/sink';
import { type Flow, flowOf } from '../subgraph-calls/contract/source';

export interface DeferredAnswerOptions {
  readonly format: IncrementalFormat;
  /** Most bytes in all parts together: of data, and of what names fragments. */
  readonly mostBytes: number;
  /** What is made of each part before it is sent: what is masked in it is logged, for example. */
  readonly finish: (part: ExecutionPart) => ExecutionPart | Promise<ExecutionPart>;
  /** Extensions of the last part, for development. */
  readonly extensions: (() => Readonly<Record<string, unknown>>) | undefined;
  /** Called with a defect that ends the answer. */
  readonly onDefect: (error: unknown) => void;
}

/**
 * The parts of an answer with deferred fragments, for its client. It fails only before the first part: where something fails
 * later, the last one reports that of each fragment that the client waits for, as a client takes no error about nothing.
 */
export function deferredAnswer(parts: ExecutionParts, options: DeferredAnswerOptions): Flow<OperationResult> {
  const { format, mostBytes, finish, extensions, onDefect } = options;
  let bytes = 0;
  let isBegun = false;
  let isOver = false;
  const answered = (part: ExecutionPart): OperationResult => {
    isOver = !part.part.hasNext;
    return { ...part, release: undefined, format, extensions: isOver ? extensions?.() : undefined };
  };
  return flowOf({
    async next() {
      if (isOver) return undefined;
      try {
        const part = await parts.next();
        if (part === undefined) return undefined;
        bytes += part.data.length + part.part.pending.length * bytesPerFragment;
        for (const { data } of part.part.incremental) bytes += data.length;
        if (bytes > mostBytes) throw fieldError('RESPONSE_TOO_LARGE', { got: bytes, limit: mostBytes });
        const finished = await finish(part);
        isBegun = true;
        return answered(finished);
      } catch (error) {
        if (!isBegun) throw error;
        const isReportable = error instanceof GraphQLError;
        if (!isReportable) onDefect(error);
        return answered(parts.fail(isReportable ? error : fieldError('INTERNAL_SERVER_ERROR', {})));
      }
    },
    close() {
      parts.close();
    },
  });
}

/** To announce a fragment and to end it, about. */
const bytesPerFragment = 80;
