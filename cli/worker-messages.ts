/** What the workers and the process that started them ask each other, over the channel between them. */
import type { Worker } from 'node:cluster';
import type { Invalidation } from '../gateway';

/** What is asked, and what the answer to it is. */
export interface Questions {
  /** To a worker: in Prometheus' text format. */
  metrics: { readonly asked: object; readonly answer: string };
  /** To a worker: why it is not ready for requests; empty if it is. */
  readiness: { readonly asked: object; readonly answer: readonly string[] };
  /** To a worker: invalidates everywhere. The answer is what a CDN is told to drop. */
  invalidate: {
    readonly asked: { readonly invalidation: Invalidation; readonly address: string };
    readonly answer: readonly string[] | undefined;
  };
  /** To a worker: drops it from its memory. From a worker: has all others do so. */
  drop: { readonly asked: { readonly tags: readonly string[] }; readonly answer: undefined };
}

/** Functions that answer; what they reject with is told to who asks. */
export type Answers<Kind extends keyof Questions> = {
  readonly [Each in Kind]: (asked: Questions[Each]['asked']) => Promise<Questions[Each]['answer']>;
};

/** The other end: a worker, or in a worker its `process`. */
type Other = Worker | NodeJS.Process;

type Message =
  | { readonly type: 'question'; readonly id: number; readonly kind: keyof Questions; readonly asked: object }
  | { readonly type: 'answer'; readonly id: number; readonly answer?: unknown; readonly failure?: Failure };

/** An error, as far as it can be told. */
type Failure = Pick<Error, 'name' | 'message'>;

/** Questions that wait for their answer, by the one that was asked and their number. */
const waiting = new WeakMap<Other, Map<number, (answer: Answer | Error) => void>>();
type Answer = Extract<Message, { readonly type: 'answer' }>;

/** One listener for all questions. */
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

/** Rejects when the other one says that it failed (with an error of the same `name`), has no answer in so many milliseconds, or is gone. */
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
      else resolve(answer.answer as Questions[Kind]['answer']);
    };
    const timer = setTimeout(() => settle(new Error(`There was no answer in ${timeout} ms.`)), timeout);
    questions.set(id, settle);
    tell(other, { type: 'question', id, kind, asked }, () => settle(new OtherGone()));
  });
}

/** The process that was asked has ended. */
export class OtherGone extends Error {}

/** Answers what the other one asks from now on. */
export function answerTo<Kind extends keyof Questions>(other: Other, answers: Answers<Kind>): void {
  other.on('message', (message: Message) => {
    if (message.type !== 'question') return;
    const { id, kind, asked } = message;
    // Others may answer other questions.
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
