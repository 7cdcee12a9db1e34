import type { ComponentChildren, JSX } from 'preact';
import type { Answer, ApiError } from '../api';

/** While the first answer is awaited. It shows only after a moment, so that quick answers do not flicker. */
export const Loading = ({ what }: { readonly what: string }): JSX.Element => (
  <p class="state loading" role="status">
    Loading {what} …
  </p>
);

/** That there is nothing, and what to do to have something. */
export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element => (
  <div class="state" role="status">
    <strong>{title}</strong>
    {children}
  </div>
);

/** Why the gateway gave no answer, and what to do. */
export function Failure({
  error,
  retry,
}: {
  readonly error: ApiError;
  readonly retry?: () => void;
}): JSX.Element {
  return (
    <div class="state failure" role="alert">
      <strong>{error.message}</strong>
      {retry && (
        <button class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/**
 * Shows what was answered. Before the first answer it says that it is awaited, or why it did not come; a later failure
 * stands above the last answer.
 */
export function Answered<T>({
  answer,
  what,
  children,
}: {
  readonly answer: Answer<T>;
  /** Its noun, such as `the requests`. */
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}): JSX.Element {
  const { data, error, reload } = answer;
  if (data === undefined)
    return error === undefined ? <Loading what={what} /> : <Failure error={error} retry={reload} />;
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      {children(data)}
    </>
  );
}
