import type { JSX } from 'preact';

/** A button that stops a page from following what is new, and lets it follow again. */
export const Pause = ({
  isPaused,
  pause,
}: {
  readonly isPaused: boolean;
  readonly pause: (isPaused: boolean) => void;
}): JSX.Element => (
  <button class="button" aria-pressed={isPaused} onClick={() => pause(!isPaused)}>
    <span class={isPaused ? 'pulse still' : 'pulse'} aria-hidden="true" />
    Pause
  </button>
);
