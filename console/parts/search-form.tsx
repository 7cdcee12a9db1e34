import type { ComponentChildren, JSX } from 'preact';

/** What a list is narrowed by: a text, and other filters beside it. */
export const SearchForm = ({
  label,
  placeholder,
  value,
  change,
  children,
}: {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly children?: ComponentChildren;
}): JSX.Element => (
  <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      maxLength={200}
      spellcheck={false}
      onInput={(event) => change(event.currentTarget.value)}
    />
    {children}
  </form>
);
