import type { JSX } from 'preact';
import { Name } from './name';
import { colourOf } from './subgraph-colours';

/** The name of a subgraph behind a dot of its colour. */
export const Subgraph = ({ name }: { readonly name: string }): JSX.Element => (
  <span class="subgraph">
    <span class={`dot colour-${colourOf(name)}`} aria-hidden="true" />
    <Name text={name} />
  </span>
);
