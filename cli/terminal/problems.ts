import type { Problem } from '../../schema';
import type * as Problems from '../../schema/composition/problem';
import type { Paint } from './colours';

/** Formats a problem of a schema with its locations, and the first line in colour. */
export function showProblem(problem: Problem, paint: Paint, prefix = ''): string {
  const { formatProblem } = require('../../schema/composition/problem') as typeof Problems;
  const [first = '', ...rest] = formatProblem(problem).split('\n');
  return [paint(problem.level === 'error' ? 'red' : 'yellow', `${prefix}${first}`), ...rest].join('\n');
}
