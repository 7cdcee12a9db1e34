import { GraphQLError } from 'graphql';

/** Why an operation has no plan. */
export type PlanningFailure = keyof typeof failures;

/**
 * An operation that has no plan.
 *
 * Its message is for clients and tells nothing of the supergraph; what the planner said is `cause`, for logs.
 */
export class PlanningError extends GraphQLError {
  readonly failure: PlanningFailure;

  constructor(failure: PlanningFailure, cause?: unknown) {
    const { code, status, message } = failures[failure];
    super(message, { extensions: { code, http: { status } } });
    this.failure = failure;
    this.cause = cause;
  }
}

const failures = {
  timeout: {
    code: 'QUERY_PLANNING_TIMEOUT',
    status: 503,
    message: 'The operation could not be planned in time.',
  },
  busy: {
    code: 'QUERY_PLANNING_TIMEOUT',
    status: 503,
    message: 'Too many operations are waiting to be planned.',
  },
  'too-complex': {
    code: 'QUERY_PLANNING_FAILED',
    status: 400,
    message: 'The operation is too complex to be planned.',
  },
  failed: { code: 'QUERY_PLANNING_FAILED', status: 500, message: 'The operation could not be planned.' },
  closed: {
    code: 'QUERY_PLANNING_FAILED',
    status: 503,
    message: 'The operation was not planned: the gateway is shutting down.',
  },
} as const;
