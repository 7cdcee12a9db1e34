import type { Problem } from '../schema';
import type { Paint } from './colours';
import { lazy } from './lazy';

/** An error or a hint of a schema with its places, the first line in colour. */
export function showProblem(problem: Problem, paint: Paint, prefix = ''): string {
  const [first = '', ...rest] = lazy.schema().formatProblem(problem).split('\n');
  return [paint(problem.level === 'error' ? 'red' : 'yellow', `${prefix}${first}`), ...rest].join('\n');
}
