import type { MaskedError } from '../execution';
import type { LoggedIds } from './logged-ids';
import type { Logger } from './logger';
import { compileWithoutSent, type ClientValues } from './sent-texts';

/** Removes values of the client from masked errors, as subgraphs may quote them. */
export function withoutWhatWasSent(
  masked: readonly MaskedError[],
  sent: ClientValues,
): readonly MaskedError[] {
  const withoutSent = compileWithoutSent(sent);
  return masked.map((error) => ({
    ...error,
    code: withoutSent(error.code),
    message: withoutSent(error.message),
  }));
}

/** Logs the original errors of subgraphs that are masked for clients. */
export function logMasked(
  logger: Pick<Logger, 'warn'>,
  ids: LoggedIds,
  masked: readonly MaskedError[],
): void {
  for (const { subgraph, code, message, path } of masked)
    logger.warn(
      { ...ids, subgraph, code, error: message, path: path?.slice(0, longestPath) },
      'an error of a subgraph is masked',
    );
}

/** The most elements of a logged path. */
const longestPath = 32;
