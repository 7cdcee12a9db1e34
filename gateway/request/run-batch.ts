import type { HTTPGraphQLResponse } from '@apollo/server';
import { requestError } from '../errors';
import type { LearnedOperation } from '../graph/engine';
import { isMap } from '../options/is-map';
import { ClientGone, type IncomingRequest } from './incoming-request';
import type { OperationResult } from '../cache/responses/response-cache';
import type { Learn } from './learn-operation';
import { noteErrors } from './answers/response-body';
import type { Arrival } from './pipeline';
import type { Reply } from './reply';
import type { RunOperation } from './run-operation';

export interface RunBatchOptions {
  readonly runOperation: RunOperation;
  readonly learn: Learn;
  /** Whether the client accepts one of the media types of answers. */
  readonly isAcceptable: boolean;
  readonly reply: Pick<Reply, 'answerTo'>;
  readonly write: (request: IncomingRequest, answered: OperationResult) => Buffer | Promise<Buffer>;
}

/** The combined answer to a batch, or the answer to one of its operations. */
export interface BatchAnswer {
  readonly status: number;
  /** Names and values in turn, without those of the body. */
  readonly headers: readonly string[];
  /** A JSON array for a batch. */
  readonly body: Buffer;
}

/**
 * Runs the operations of a batch, each as it would be run alone. New operations are learned together. Resolves with the
 * answer of Apollo Server if no operation can be run. Rejects if one of them is refused; then none is run.
 */
export async function runBatch(
  arrival: Arrival,
  sent: readonly unknown[],
  { runOperation, learn, isAcceptable, reply, write }: RunBatchOptions,
): Promise<BatchAnswer | { readonly refusal: HTTPGraphQLResponse }> {
  const operations = await Promise.all(
    sent.map((each) => (isMap(each) ? runOperation.expand(arrival, each) : each)),
  );
  const known = operations.map((each) =>
    isMap(each) && isAcceptable ? runOperation.find(arrival, each) : undefined,
  );
  const unknown = operations.filter((_, i) => known[i] === undefined);
  let refusal: HTTPGraphQLResponse | undefined;
  let refused: unknown[] = [];
  let learned: ReadonlyMap<unknown, LearnedOperation> = new Map();
  if (unknown.length > 0 || sent.length === 0) {
    ({ response: refusal, learned } = await learn(arrival.request, { search: '', body: unknown }));
    const text = refusal.body.kind === 'complete' ? refusal.body.string : '';
    if (!text.startsWith('[') || (learned.size === 0 && unknown.length === sent.length)) return { refusal };
    refused = JSON.parse(text) as unknown[];
    noteErrors(arrival.request, refused);
  }

  const run = async (operation: LearnedOperation): Promise<BatchAnswer> => {
    try {
      const inParts = (): Error =>
        requestError('UNSUPPORTED_OPERATION', { feature: 'An answer in parts within a batch' });
      if (operation.operation.type === 'subscription') throw inParts();
      const answered = await runOperation.run(arrival, operation);
      if (!('data' in answered)) {
        answered.close();
        throw inParts();
      }
      return { status: 200, headers: [], body: await write(arrival.request, answered) };
    } catch (error) {
      if (error instanceof ClientGone || arrival.request.isGone) throw error;
      const { status, ownHeaders, body } = reply.answerTo(arrival.request, error);
      return { status, headers: ownHeaders, body: Buffer.from(body) };
    }
  };
  const inOrder = refused.values();
  const parts = await Promise.all(
    operations.map(async (each, i) => {
      const answer = known[i] === undefined ? inOrder.next().value : undefined;
      const operation = known[i] ?? learned.get(each);
      if (operation !== undefined) return run(operation);
      return { status: refusal?.status ?? 400, headers: [], body: Buffer.from(JSON.stringify(answer)) };
    }),
  );
  const failed = parts.find(({ status }) => status >= 400);
  return {
    status: failed?.status ?? 200,
    headers: failed?.headers ?? [],
    body: joined(parts.map(({ body }) => body)),
  };
}

function joined(bodies: readonly Buffer[]): Buffer {
  const pieces = bodies.flatMap((body, i) => (i === 0 ? [body] : [comma, body]));
  return Buffer.concat([opening, ...pieces, closing]);
}

const opening = Buffer.from('[');
const comma = Buffer.from(',');
const closing = Buffer.from(']');
