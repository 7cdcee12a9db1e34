import { GraphQLError } from 'graphql';
import { type ErrorCode, errors } from '../errors';

/** Why an operation has no plan. */
export type PlanningFailure = keyof typeof failures;

/**
 * An operation that has no plan.
 *
 * Its message is for clients and reveals nothing about the supergraph; the planner's error is `cause`, for logs.
 */
export class PlanningError extends GraphQLError {
  readonly failure: PlanningFailure;

  constructor(failure: PlanningFailure, cause?: unknown) {
    const code = failures[failure];
    const { status, message } = errors[code];
    const headers = new Map(failure === 'limited' ? [['retry-after', '1']] : []);
    super(message({}), { extensions: { code, http: { status, headers } } });
    this.failure = failure;
    this.cause = cause;
  }
}

const failures = {
  /** Too many operations of one sender wait. */
  limited: 'REQUEST_CONCURRENCY_LIMITED',
  failed: 'QUERY_PLANNING_FAILED',
  closed: 'SHUTTING_DOWN',
} as const satisfies Record<string, ErrorCode>;
