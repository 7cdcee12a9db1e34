import { createParser } from 'eventsource-parser';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where the events of a subgraph are read. */
export interface Publisher {
  /** URL of its `GET /events`. */
  readonly url: string;
  /** Headers of one request to a URL, such as its signature. */
  readonly headers: (url: URL) => Readonly<Record<string, string>>;
}

export interface FollowOptions {
  readonly publisher: Publisher;
  readonly types: readonly string[];
  /** Events behind this position; '' for all. */
  readonly after: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  /**
   * Called when a connection could not be made or broke, before the next one is made. Not called where the publisher ends
   * it and says when to come back (`retry`), as it does when it stops.
   */
  readonly onTrouble: (reason: string) => void;
}

/** An event of the stream, or the word that there is none behind a position at this moment. */
export type LogFrame =
  | { readonly kind: 'event'; readonly position: string; readonly text: string }
  | { readonly kind: 'end'; readonly position: string };

/** A publisher sends a comment every 12 s, so a stream that is silent for longer is broken. */
const silenceMilliseconds = 30_000;
const firstPauseMilliseconds = 100;
const longestPauseMilliseconds = 5000;
/** More than the largest event. What is larger breaks the stream, and memory stays bounded. */
const maxFrameCharacters = 1024 * 1024;

/** The events of a publisher, in the order of its log, for ever. Connects again when the connection breaks. */
export async function* followEvents(options: FollowOptions): AsyncGenerator<LogFrame, void> {
  const { signal, onTrouble } = options;
  let { after } = options;
  const isOver = () => signal.aborted;
  for (let pause = firstPauseMilliseconds; !isOver();) {
    try {
      for await (const followed of readStream({ ...options, after })) {
        after = followed.position;
        pause = firstPauseMilliseconds;
        yield followed;
      }
    } catch (error) {
      if (!isOver()) onTrouble(sentenceOf(error));
    }
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
    pause = Math.min(2 * pause, longestPauseMilliseconds);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** The events of one connection. */
async function* readStream(options: Omit<FollowOptions, 'onTrouble'>): AsyncGenerator<LogFrame, void> {
  const { publisher, types, after, signal } = options;
  const url = new URL(publisher.url);
  url.searchParams.set('after', after);
  url.searchParams.set('types', types.join());
  const connection = new AbortController();
  let reader: Reader | undefined;
  let ended: Error | undefined;
  let giveUp: (reason: Error) => void = () => undefined;
  // `fetch` may forget its signal when its request is collected as garbage, so nothing waits for the signal alone.
  const end = (reason: Error): void => {
    ended ??= reason;
    connection.abort(reason);
    giveUp(reason);
    reader?.cancel().catch(() => undefined);
  };
  const throwIfEnded = (): void => {
    if (ended) throw ended;
  };
  const stop = (): void => end(new Error('it was stopped'));
  const silence = setTimeout(() => end(new Error('it was silent')), silenceMilliseconds).unref();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const response = await new Promise<Response>((resolve, reject) => {
      giveUp = reject;
      const answer = fetch(url, {
        headers: { ...publisher.headers(url), accept: 'text/event-stream' },
        signal: connection.signal,
        redirect: 'error',
      });
      answer.then(resolve, reject);
      // Of an answer that comes later.
      answer.then(({ body }) => ended && body?.cancel()).catch(() => undefined);
    });
    throwIfEnded();
    reader = response.body?.getReader();
    if (!response.ok || !reader) {
      const message = await messageOf(reader);
      throw new Error(`it answered ${response.status}${message === undefined ? '' : `: ${message}`}`);
    }
    const frames: LogFrame[] = [];
    let trouble: Error | undefined;
    let retry: number | undefined;
    const parser = createParser({
      maxBufferSize: maxFrameCharacters,
      onEvent: ({ id, data }) => {
        if (id !== undefined) frames.push({ kind: 'event', position: id, text: data });
      },
      onComment: (comment) => {
        const position = /^ ?end (\S+)$/.exec(comment)?.[1];
        if (position !== undefined) frames.push({ kind: 'end', position });
      },
      onRetry: (milliseconds) => (retry = milliseconds),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') trouble = error;
      },
    });
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      throwIfEnded();
      if (done) break;
      silence.refresh();
      parser.feed(decoder.decode(value, { stream: true }));
      yield* frames.splice(0);
      if (trouble) throw trouble;
    }
    if (retry === undefined) throw new Error('it ended');
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** What a publisher says that refuses, if the first piece of its answer has it. */
async function messageOf(reader: Reader | undefined): Promise<string | undefined> {
  const piece = await reader?.read();
  try {
    const text = new TextDecoder().decode(piece?.value);
    const { errors } = JSON.parse(text) as { readonly errors: [{ readonly message: unknown }] };
    const { message } = errors[0];
    return typeof message === 'string' ? message.slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

/** `fetch` names the reason in the cause of its error. */
function sentenceOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
