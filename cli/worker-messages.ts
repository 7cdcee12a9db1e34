/** What the workers and the process that started them ask each other, over the channel between them. */
import type { Worker } from 'node:cluster';

/** What is asked, and what the answer to it is. */
export interface Questions {
  /** To a worker: in Prometheus' text format. */
  metrics: { readonly asked: object; readonly answer: string };
  /** To a worker: invalidates everywhere. The answer is what a CDN is told to drop. */
  invalidate: {
    readonly asked: { readonly tags: readonly string[]; readonly address: string };
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
  | { readonly type: 'answer'; readonly id: number; readonly answer?: unknown; readonly failure?: string };

let lastId = 0;

/** Rejects when the other one says that it failed, has no answer in so many milliseconds, or is gone. */
export function ask<Kind extends keyof Questions>(
  other: Other,
  kind: Kind,
  asked: Questions[Kind]['asked'],
  timeout: number,
): Promise<Questions[Kind]['answer']> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    const hear = (message: Message): void => {
      if (message.type !== 'answer' || message.id !== id) return;
      if (message.failure === undefined) end(() => resolve(message.answer as Questions[Kind]['answer']));
      else end(() => reject(new Error(message.failure)));
    };
    const onGone = (): void => end(() => reject(new OtherGone()));
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      other.off('message', hear);
      other.off('disconnect', onGone);
      settle();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`There was no answer in ${timeout} ms.`))),
      timeout,
    );
    other.on('message', hear);
    other.on('disconnect', onGone);
    tell(other, { type: 'question', id, kind, asked }, onGone);
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
      (error: unknown) => tell(other, { type: 'answer', id, failure: (error as Error).message }),
    );
  });
}

function tell(other: Other, message: Message, onGone: () => void = () => undefined): void {
  if (other.send === undefined || ('isConnected' in other ? !other.isConnected() : !other.connected))
    onGone();
  else other.send(message, undefined, undefined, (error) => error && onGone());
}
