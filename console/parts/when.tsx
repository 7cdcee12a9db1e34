import type { JSX } from 'preact';
import { clock, dayOf, moment } from './format';

/** A time of day; of another day with its date. @param at Unix milliseconds */
export const When = ({ at }: { readonly at: number }): JSX.Element => (
  <time dateTime={new Date(at).toISOString()} title={moment(at)}>
    {dayOf(at) === dayOf(Date.now()) ? clock(at) : `${dayOf(at)}, ${clock(at)}`}
  </time>
);
