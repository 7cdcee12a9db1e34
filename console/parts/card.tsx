import type { ComponentChildren, JSX } from 'preact';

/** A part of a page with a heading. */
export function Card({
  title,
  aside,
  help,
  children,
}: {
  readonly title: string;
  /** At the right of the heading. */
  readonly aside?: ComponentChildren;
  /** A line under the heading, and the heading of docs/console.md that has more. */
  readonly help?: readonly [text: ComponentChildren, anchor: string];
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <div class="aside">{aside}</div>}
      </header>
      {help && (
        <p class="help muted">
          {help[0]} <HelpLink title={title} anchor={help[1]} />
        </p>
      )}
      {children}
    </section>
  );
}

/** A link to a heading of docs/console.md, which the gateway serves. */
export const HelpLink = ({
  title,
  anchor,
}: {
  readonly title: string;
  readonly anchor: string;
}): JSX.Element => (
  <a href={`/console/help#${anchor}`} target="_blank" aria-label={`More about ${title}, in a new tab`}>
    More
  </a>
);

/** Facts by name. A fact that is undefined is left out. */
export function Facts({
  facts,
}: {
  readonly facts: readonly (readonly [name: string, value: ComponentChildren])[];
}): JSX.Element {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
