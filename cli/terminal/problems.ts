import type { Problem } from '../../schema';
import type { Paint } from './colours';
import { lazy } from '../lazy';

/** Formats a problem of a schema with its locations, and the first line in colour. */
export function showProblem(problem: Problem, paint: Paint, prefix = ''): string {
  const [first = '', ...rest] = lazy.schema().formatProblem(problem).split('\n');
  return [paint(problem.level === 'error' ? 'red' : 'yellow', `${prefix}${first}`), ...rest].join('\n');
}
