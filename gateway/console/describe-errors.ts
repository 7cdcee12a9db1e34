import type { ErrorsReport } from './api';
import type { CountedError, ErrorParts } from './error-figures';

/** What several processes have counted together. */
export function mergeErrors(parts: readonly ErrorParts[]): ErrorParts {
  const errors = new Map<string, CountedError>();
  for (const part of parts)
    for (const each of part.errors) {
      const { code, path, service, client, operation } = each;
      const key = [code, path, service, client.name, client.version, operation.key].join('\n');
      const before = errors.get(key);
      errors.set(key, before === undefined ? each : add(before, each));
    }
  return {
    errors: [...errors.values()],
    others: {
      requests: parts.reduce((sum, { others }) => sum + others.requests, 0),
      last: Math.max(0, ...parts.map(({ others }) => others.last)),
    },
  };
}

function add(one: CountedError, other: CountedError): CountedError {
  const newer = other.last > one.last ? other : one;
  return {
    ...newer,
    requests: one.requests + other.requests,
    first: Math.min(one.first, other.first),
  };
}

/** The errors that a gateway shares with others; their rest has no row there. */
export function mostFrequent({ errors, others }: ErrorParts): ErrorParts {
  const sorted = byFrequency(errors);
  const rest = sorted.slice(mostShared);
  return {
    errors: sorted.slice(0, mostShared),
    others: {
      requests: rest.reduce((sum, { requests }) => sum + requests, others.requests),
      last: Math.max(others.last, ...rest.map(({ last }) => last)),
    },
  };
}

const byFrequency = (errors: readonly CountedError[]): CountedError[] =>
  [...errors].sort((one, other) => other.requests - one.requests || other.last - one.last);

/** The page *Errors*. @param at Unix milliseconds */
export const describeErrors = ({ errors, others }: ErrorParts, at = Date.now()): ErrorsReport => ({
  ...{ at, others },
  errors: byFrequency(errors).slice(0, mostListed),
});

const mostShared = 50;
const mostListed = 1000;
