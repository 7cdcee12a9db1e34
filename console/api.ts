import { useEffect, useRef, useState } from 'preact/hooks';
import { currentToken, noteAccess } from './session';

/** Why the gateway did not give an answer, in a sentence. */
export class ApiError extends Error {
  /** @param status of HTTP; undefined if no answer came */
  constructor(
    readonly status: number | undefined,
    sentence: string,
  ) {
    super(sentence);
  }
}

/**
 * Asks the console's API.
 *
 * @param path below `/console/api`, such as `/requests?failed=1`
 * @throws {ApiError} if the gateway cannot be reached, or refuses
 */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(undefined, 'The gateway does not answer: it may have been stopped.');
  });
  if (response.status === 401) noteAccess('refused');
  if (!response.ok) throw new ApiError(response.status, await reasonOf(response));
  return (response.status === 204 ? undefined : await response.json()) as T;
}

function send(path: string, init: RequestInit): Promise<Response> {
  const token = currentToken();
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  return fetch(`/console/api${path}`, { ...init, headers });
}

/** Has the gateway make an answer that takes long, before it is asked for. */
export const prepare = (path: string): void => {
  // A HEAD request: nothing is sent.
  void send(path, { method: 'HEAD' }).catch(() => undefined);
};

/** What is known of an answer that is asked for again and again. */
export interface Answer<T> {
  /** The last answer; undefined before the first. */
  readonly data: T | undefined;
  /** Why there is no newer answer. */
  readonly error: ApiError | undefined;
  /** Whether `data` is of another path, until the answer for this one comes. */
  readonly isOld: boolean;
  /** Asks again now. */
  readonly reload: () => void;
}

/**
 * The answer to a path of the API. It is asked for when the component is shown, when the path changes, and then again
 * `every` so many milliseconds while the tab is visible.
 *
 * @param path nothing is asked while it is undefined
 * @param every nothing is asked again while it is undefined; when it is given again, it is asked at once
 */
export function useApi<T>(path: string | undefined, every?: number): Answer<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: ApiError }>({});
  const [turn, setTurn] = useState(0);
  /** The question that `state` has the answer to. */
  const answered = useRef<string | undefined>(undefined);

  useEffect(() => {
    if (path === undefined) return;
    const question = `${turn} ${path}`;
    if (every === undefined && answered.current === question) return;
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isAsking = false;
    const update = async (): Promise<void> => {
      clearTimeout(timer);
      isAsking = true;
      try {
        const data = await ask<T>(path, { signal: leaving.signal });
        answered.current = question;
        setState({ path, data });
      } catch (error) {
        if (leaving.signal.aborted) return;
        answered.current = undefined;
        const failed = error instanceof ApiError ? error : new ApiError(undefined, String(error));
        setState((before) => ({ ...(before.path === path ? before : { path }), error: failed }));
      }
      isAsking = false;
      later();
    };
    const later = (): void => {
      clearTimeout(timer);
      if (every !== undefined && !document.hidden && !leaving.signal.aborted)
        timer = setTimeout(() => void update(), every);
    };
    const shown = (): void => {
      if (!document.hidden && !isAsking && every !== undefined) void update();
    };
    document.addEventListener('visibilitychange', shown);
    void update();
    return () => {
      leaving.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [path, turn, every]);

  return {
    data: state.data,
    error: state.error,
    isOld: state.path !== path,
    reload: () => setTurn((before) => before + 1),
  };
}

/** The sentence of a refusal: `{ errors: [{ message }] }`, as everywhere on the admin port. */
async function reasonOf(response: Response): Promise<string> {
  const body = (await response.json().catch(() => undefined)) as
    | { readonly errors?: readonly { readonly message?: unknown }[] }
    | undefined;
  const message = body?.errors?.[0]?.message;
  return typeof message === 'string' ? message : `The gateway answered with status ${response.status}.`;
}
