/** Requests between workers and the primary, over their IPC channel. */
import type { Worker } from 'node:cluster';
import type { ProcessConsole } from '../../gateway/console/source';
import type { Invalidation } from '../../gateway/options/invalidation';
import type { MetricsFormat } from '../../gateway/telemetry/metrics/prometheus';

/** The kinds of requests, each with its parameters and its answer. */
export interface Questions {
  /** To a worker: its metrics as text. */
  metrics: { readonly asked: { readonly format: MetricsFormat }; readonly answer: string };
  /** To a worker: why it is not ready. Empty if it is. */
  readiness: { readonly asked: object; readonly answer: readonly string[] };
  /** To a worker: invalidates in all workers. Answers with the paths that a CDN is told to drop. */
  invalidate: {
    readonly asked: { readonly invalidation: Invalidation; readonly address: string };
    readonly answer: readonly string[] | undefined;
  };
  /** To a worker: what its console shows. Nothing where it has none. */
  console: {
    readonly asked: { readonly what: keyof ProcessConsole; readonly input: unknown };
    readonly answer: unknown;
  };
  /** To the primary: the text of the options file, which it has checked. Nothing where there is no file. */
  options: { readonly asked: object; readonly answer: string | undefined };
  /** To a worker: drops entries with these tags from its memory. From a worker: all other workers must do so. */
  drop: { readonly asked: { readonly tags: readonly string[] }; readonly answer: undefined };
}

/** Functions that answer requests. Their errors are sent to the other end. */
export type Answers<Kind extends keyof Questions> = {
  readonly [Each in Kind]: (asked: Questions[Each]['asked']) => Promise<Questions[Each]['answer']>;
};

/** The other end: a worker, or in a worker its `process`. */
type Other = Worker | NodeJS.Process;

type Message =
  | { readonly type: 'question'; readonly id: number; readonly kind: keyof Questions; readonly asked: object }
  | { readonly type: 'answer'; readonly id: number; readonly answer?: unknown; readonly failure?: Failure };

/** The parts of an error that are sent. */
type Failure = Pick<Error, 'name' | 'message'>;

/** Requests without an answer yet, by the other end and by number. */
const waiting = new WeakMap<Other, Map<number, (answer: Answer | Error) => void>>();
type Answer = Extract<Message, { readonly type: 'answer' }>;

/** The requests to the other end. All share one listener. */
function waitingFor(other: Other): Map<number, (answer: Answer | Error) => void> {
  let questions = waiting.get(other);
  if (questions === undefined) {
    const created = new Map<number, (answer: Answer | Error) => void>();
    waiting.set(other, (questions = created));
    other.on('message', (message: Message) => {
      if (message.type === 'answer') created.get(message.id)?.(message);
    });
    other.on('disconnect', () => {
      for (const settle of [...created.values()]) settle(new OtherGone());
    });
  }
  return questions;
}

let lastId = 0;

/**
 * Sends a request. Rejects if the other end reports an error (with an error of the same `name`), does not answer within
 * the given milliseconds, or has ended.
 */
export function ask<Kind extends keyof Questions>(
  other: Other,
  kind: Kind,
  asked: Questions[Kind]['asked'],
  timeout: number,
): Promise<Questions[Kind]['answer']> {
  const id = ++lastId;
  const questions = waitingFor(other);
  return new Promise((resolve, reject) => {
    const settle = (answer: Answer | Error): void => {
      clearTimeout(timer);
      questions.delete(id);
      if (answer instanceof Error) reject(answer);
      else if (answer.failure !== undefined)
        reject(Object.assign(new Error(answer.failure.message), { name: answer.failure.name }));
      else resolve(answer.answer);
    };
    const timer = setTimeout(() => settle(new Error(`There was no answer in ${timeout} ms.`)), timeout);
    questions.set(id, settle);
    tell(other, { type: 'question', id, kind, asked }, () => settle(new OtherGone()));
  });
}

/** The other end has ended. */
export class OtherGone extends Error {}

/** Answers requests of the other end from now on. */
export function answerTo<Kind extends keyof Questions>(other: Other, answers: Answers<Kind>): void {
  other.on('message', (message: Message) => {
    if (message.type !== 'question') return;
    const { id, kind, asked } = message;
    // Another listener may answer other kinds.
    if (!(kind in answers)) return;
    answers[kind as Kind](asked as Questions[Kind]['asked']).then(
      (answer) => tell(other, { type: 'answer', id, answer }),
      (error: unknown) => {
        const { name, message } = error as Error;
        tell(other, { type: 'answer', id, failure: { name, message } });
      },
    );
  });
}

function tell(other: Other, message: Message, onGone: () => void = () => undefined): void {
  if (other.send === undefined || ('isConnected' in other ? !other.isConnected() : !other.connected))
    onGone();
  else other.send(message, undefined, undefined, (error) => error && onGone());
}
