/** Definitions of workflows for tests. */
import { parseDefinition, type Definition } from '../../kit/workflows/definition';

type Fields = Readonly<Record<string, unknown>>;

/** A Task state that calls a task with the state's data. */
export const taskState = (task: string, fields: Fields = {}, input: Fields = { 'input.$': '$' }) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  Parameters: {
    QueueUrl: '${TaskQueueUrl}',
    MessageBody: {
      task,
      ...input,
      'token.$': '$$.Task.Token',
      'execution.$': '$$.Execution.Name',
      'state.$': '$$.State.Name',
      'retries.$': '$$.State.RetryCount',
      'trace.$': '$$.Execution.Input.trace',
    },
  },
  TimeoutSeconds: 3000,
  ...fields,
});

export const define = (States: Fields, name = 'test'): Definition =>
  parseDefinition(JSON.stringify({ StartAt: Object.keys(States)[0], States }), `${name}.asl.json`);

const compensate = { ErrorEquals: ['States.ALL'], ResultPath: '$.refusal' };
const retried = { Retry: [{ ErrorEquals: ['States.ALL'], BackoffRate: 1, MaxAttempts: 4 }] };
const kept = { ResultPath: null };

/**
 * A saga: a hotel and a car are reserved, the trip is paid and confirmed. Each failure undoes what may have happened, in
 * reverse, and the trip is refused.
 */
export const bookTrip = define(
  {
    ReserveHotel: taskState('reserveHotel', {
      ...kept,
      Retry: [{ ErrorEquals: ['UNAVAILABLE', 'States.Timeout'], MaxAttempts: 2, BackoffRate: 1 }],
      Catch: [{ ...compensate, Next: 'ReleaseHotel' }],
      Next: 'ReserveCar',
    }),
    ReserveCar: taskState('reserveCar', {
      ...kept,
      Catch: [{ ...compensate, Next: 'ReleaseCar' }],
      Next: 'Pay',
    }),
    Pay: taskState('pay', {
      ResultPath: '$.payment',
      Catch: [{ ...compensate, Next: 'Refund' }],
      Next: 'Confirm',
    }),
    Confirm: taskState('confirm', {
      ...kept,
      Catch: [{ ...compensate, Next: 'Refund' }],
      Next: 'Booked',
    }),
    Booked: { Type: 'Succeed' },
    Refund: taskState('refund', { ...kept, ...retried, Next: 'ReleaseCar' }),
    ReleaseCar: taskState('releaseCar', { ...kept, ...retried, Next: 'ReleaseHotel' }),
    ReleaseHotel: taskState('releaseHotel', { ...kept, ...retried, Next: 'Refused' }),
    Refused: { Type: 'Succeed' },
  },
  'book-trip',
);
