import { Fragment, type JSX } from 'preact';

/**
 * A name that breaks at the ends of its words where it is too long for a line, such as `ProductPage` and `me.first_name`.
 * Its marks of direction (U+202E) turn nothing around it.
 */
export const Name = ({ text }: { readonly text: string }): JSX.Element => (
  <bdi>
    {text.split(/(?<=[a-z\d])(?=[A-Z])|(?<=[._:/-])/).map((word, index) => (
      <Fragment key={index}>
        {index > 0 && <wbr />}
        {word}
      </Fragment>
    ))}
  </bdi>
);
