import type { MaskedError } from '../execution';
import type { Logger } from './logger';
import { compileWithoutSent, type Sent } from './sent-texts';

/** Masked errors without what the client had sent, which subgraphs like to quote. */
export function withoutWhatWasSent(masked: readonly MaskedError[], sent: Sent): readonly MaskedError[] {
  const withoutSent = compileWithoutSent(sent);
  return masked.map((error) => ({
    ...error,
    code: withoutSent(error.code),
    message: withoutSent(error.message),
  }));
}

/** Logs what subgraphs have said of errors of which the client is told no more than that they happened. */
export function logMasked(
  logger: Pick<Logger, 'warn'>,
  requestId: string | undefined,
  masked: readonly MaskedError[],
): void {
  for (const { subgraph, code, message, path } of masked)
    logger.warn(
      { requestId, subgraph, code, error: message, path: path?.slice(0, longestPath) },
      'an error of a subgraph is masked',
    );
}

/** Elements of a path. */
const longestPath = 32;
