import type { JSX } from 'preact';

/** A sentence of the gateway, in which names stand between backticks. */
export const Said = ({ text }: { readonly text: string }): JSX.Element => (
  <>{text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>
);
