import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { boundedMessage, type ErrorCode, errors, mostLocations } from '../../errors';
import type { Logger } from '../../telemetry/logger';
import type { ErrorStatistics } from '../../telemetry/statistics/error-statistics';

export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/** Gives errors of Apollo Server the codes of our table, hides defects of Weir from clients, and counts the errors. */
export function createFormatError(logger: Logger, statistics: Pick<ErrorStatistics, 'add'>): FormatError {
  const format = formatBy(logger);
  return (formatted, error) => {
    const shown = format(formatted, error);
    statistics.add(shown.extensions);
    return shown;
  };
}

function formatBy(logger: Logger): FormatError {
  return (formatted, error) => {
    const { extensions = {} } = formatted;
    if (error instanceof GraphQLError) {
      const shown = { ...formatted, message: speakable(formatted.message) };
      if (shown.locations !== undefined) shown.locations = shown.locations.slice(0, mostLocations);
      const code = codeForStatus(error.extensions) ?? error.extensions['code'];
      if (isDefect(code)) logger.error({ err: error.cause ?? error, code }, 'an operation failed');
      if (code !== undefined) return { ...shown, extensions: { ...extensions, code } };
    }
    logger.error({ err: error }, 'an operation failed');
    return { message: errors.INTERNAL_SERVER_ERROR.message(), extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  };
}

/** A message of bounded length. A stack overflow in the parser is reported as a document nested too deeply. */
function speakable(message: string): string {
  if (message.includes('Maximum call stack size exceeded')) return 'The document is nested too deeply.';
  return boundedMessage(message);
}

/** Whether the code is that of a failure of Weir, whose cause is only logged. */
const isDefect = (code: unknown): boolean =>
  code === ('QUERY_PLANNING_FAILED' satisfies ErrorCode) ||
  code === ('INTERNAL_SERVER_ERROR' satisfies ErrorCode);

/** The code for the HTTP status that Apollo Server chose, which is more specific than its code `BAD_REQUEST` or none. */
export function codeForStatus({ code, http }: GraphQLError['extensions']): string | undefined {
  if (code !== undefined && code !== 'BAD_REQUEST') return undefined;
  switch ((http as { readonly status?: number } | undefined)?.status) {
    case 400:
      return 'BAD_REQUEST';
    case 405:
      return 'METHOD_NOT_ALLOWED';
    case 406:
      return 'NOT_ACCEPTABLE';
    case 415:
      return 'UNSUPPORTED_MEDIA_TYPE';
    default:
      return undefined;
  }
}
