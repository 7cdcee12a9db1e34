import type { JSX } from 'preact';

/** A sentence in which names stand between backquotes. */
export const Marked = ({ text }: { readonly text: string }): JSX.Element => (
  <>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>
);
