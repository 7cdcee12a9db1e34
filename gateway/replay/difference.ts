import type { ResponsePath } from './position';

/** Each kind of difference, with its text. */
export const differenceKinds = {
  value: 'another value',
  number: 'a number of this value in another form',
  type: 'a value of another type',
  null: 'null on one side only',
  missing: 'not in B',
  extra: 'not in A',
  order: 'the same items in another order',
  length: 'a list of another length',
  depth: 'nested too deep to be compared',
  'error-missing': 'an error of A alone',
  'error-extra': 'an error of B alone',
  'error-code': 'an error with another code',
  'error-path': 'an error at another path',
  status: 'another HTTP status',
  'not-json': 'no GraphQL response in JSON',
  'no-answer': 'no answer',
} as const;

export type DifferenceKind = keyof typeof differenceKinds;

/** What one of two endpoints has at a path. */
export interface DifferenceSide {
  /** Such as `a number` or `a list of 3 items`: never a value. */
  readonly shape: string;
  /** JSON text, shortened. Only if the rules of the comparison have `values`. */
  readonly value?: string | undefined;
}

export interface Difference {
  readonly path: ResponsePath;
  readonly kind: DifferenceKind;
  /** How often in this pair of answers. */
  readonly count: number;
  /** The first position, such as `products[3].price`. */
  readonly at: string;
  readonly a: DifferenceSide;
  readonly b: DifferenceSide;
}
