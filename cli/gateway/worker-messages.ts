/** Requests between workers and the primary, over their IPC channel. */
import type { Worker } from 'node:cluster';
import type { ProcessConsole } from '../../gateway/console/source';
import type { Invalidation } from '../../gateway/options/invalidation';
import type { MetricsFormat } from '../../gateway/telemetry/metrics/prometheus';

/** The kinds of requests, each with its parameters and its answer. */
export interface Requests {
  /** To a worker: its metrics as text. */
  metrics: { readonly input: { readonly format: MetricsFormat }; readonly answer: string };
  /** To a worker: why it is not ready. Empty if it is. */
  readiness: { readonly input: object; readonly answer: readonly string[] };
  /** To a worker: invalidates in all workers. Answers with the paths that a CDN is to drop. */
  invalidate: {
    readonly input: { readonly invalidation: Invalidation; readonly address: string };
    readonly answer: readonly string[] | undefined;
  };
  /** To a worker: what its console shows. Nothing where it has none. */
  console: {
    readonly input: { readonly what: keyof ProcessConsole; readonly input: unknown };
    readonly answer: unknown;
  };
  /** To the primary: the text of the options file, which it has checked. Nothing where there is no file. */
  options: { readonly input: object; readonly answer: string | undefined };
  /** To a worker: drops entries with these tags from its memory. From a worker: all other workers must do so. */
  drop: { readonly input: { readonly tags: readonly string[] }; readonly answer: undefined };
}

/** Functions that answer requests. Their errors are sent to the other end. */
export type RequestHandlers<Kind extends keyof Requests> = {
  readonly [Each in Kind]: (input: Requests[Each]['input']) => Promise<Requests[Each]['answer']>;
};

/** The other end: a worker, or in a worker its `process`. */
type Other = Worker | NodeJS.Process;

type Message =
  | { readonly type: 'request'; readonly id: number; readonly kind: keyof Requests; readonly input: object }
  | { readonly type: 'answer'; readonly id: number; readonly answer?: unknown; readonly failure?: SentError };

/** The parts of an error that are sent. */
type SentError = Pick<Error, 'name' | 'message'>;

/** Requests without an answer yet, by the other end and by number. */
const waiting = new WeakMap<Other, Map<number, (answer: AnswerMessage | Error) => void>>();
type AnswerMessage = Extract<Message, { readonly type: 'answer' }>;

/** The requests to the other end. All share one listener. */
function waitingFor(other: Other): Map<number, (answer: AnswerMessage | Error) => void> {
  let requests = waiting.get(other);
  if (requests === undefined) {
    const created = new Map<number, (answer: AnswerMessage | Error) => void>();
    waiting.set(other, (requests = created));
    other.on('message', (message: Message) => {
      if (message.type === 'answer') created.get(message.id)?.(message);
    });
    other.on('disconnect', () => {
      for (const settle of [...created.values()]) settle(new OtherGone());
    });
  }
  return requests;
}

let lastId = 0;

/**
 * Sends a request. Rejects if the other end reports an error (with an error of the same `name`), does not answer within
 * the given milliseconds, or has ended.
 */
export function ask<Kind extends keyof Requests>(
  other: Other,
  kind: Kind,
  input: Requests[Kind]['input'],
  timeout: number,
): Promise<Requests[Kind]['answer']> {
  const id = ++lastId;
  const requests = waitingFor(other);
  return new Promise((resolve, reject) => {
    const settle = (answer: AnswerMessage | Error): void => {
      clearTimeout(timer);
      requests.delete(id);
      if (answer instanceof Error) reject(answer);
      else if (answer.failure !== undefined)
        reject(Object.assign(new Error(answer.failure.message), { name: answer.failure.name }));
      else resolve(answer.answer);
    };
    const timer = setTimeout(() => settle(new Error(`There was no answer in ${timeout} ms.`)), timeout);
    requests.set(id, settle);
    send(other, { type: 'request', id, kind, input }, () => settle(new OtherGone()));
  });
}

/** The other end has ended. */
export class OtherGone extends Error {}

/** Answers requests of the other end from now on. */
export function answerTo<Kind extends keyof Requests>(other: Other, answers: RequestHandlers<Kind>): void {
  other.on('message', (message: Message) => {
    if (message.type !== 'request') return;
    const { id, kind, input } = message;
    // Another listener may answer other kinds.
    if (!(kind in answers)) return;
    answers[kind as Kind](input as Requests[Kind]['input']).then(
      (answer) => send(other, { type: 'answer', id, answer }),
      (error: unknown) => {
        const { name, message } = error as Error;
        send(other, { type: 'answer', id, failure: { name, message } });
      },
    );
  });
}

function send(other: Other, message: Message, onGone: () => void = () => undefined): void {
  if (other.send === undefined || ('isConnected' in other ? !other.isConnected() : !other.connected))
    onGone();
  else other.send(message, undefined, undefined, (error) => error && onGone());
}
