import type { JSX } from 'preact';

/** A field for a text that a list is narrowed by. */
export const SearchField = ({
  label,
  placeholder,
  value,
  change,
}: {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly change: (value: string) => void;
}): JSX.Element => (
  <input
    type="search"
    aria-label={label}
    placeholder={placeholder}
    value={value}
    maxLength={200}
    spellcheck={false}
    onInput={(event) => change(event.currentTarget.value)}
  />
);
