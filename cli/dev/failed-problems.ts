import { formatProblem } from '../../schema/composition/problem';
import { SupergraphConfigError } from '../../schema/composition/supergraph-config';
import { CommandFailure } from '../context';

/** Ends the command with the problems of a configuration that cannot be read. */
export function failWithProblems(error: unknown): never {
  if (!(error instanceof SupergraphConfigError)) throw error;
  throw new CommandFailure(error.problems.map(formatProblem).join('\n'), 2);
}
