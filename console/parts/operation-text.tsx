import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { ExplainedDocument, ExplainedNull } from '../../gateway/console/api';
import { Subgraph } from './subgraph';
import { colourOf } from './subgraph-colours';
import { fieldOf, linesOf, type Part } from './text-lines';

/**
 * An operation's text. Each field is marked with the colour of the subgraph that answers it, whose name stands at the end of
 * the line. The fields are one stop of the Tab key; arrow keys go from field to field. What is known of the field under the
 * pointer, or with the focus, stands below.
 */
export function OperationText({
  document,
  nulls,
  lit,
}: {
  readonly document: ExplainedDocument;
  readonly nulls: readonly ExplainedNull[];
  /** The only subgraph whose fields are shown in full; all if missing. */
  readonly lit: string | undefined;
}): JSX.Element {
  const [at, setAt] = useState<number>();
  const [pointed, setPointed] = useState<number>();
  const place = useRef<HTMLDivElement>(null);
  const causes = new Map<string, ExplainedNull[]>();
  for (const each of nulls) {
    const path = fieldOf(each.path);
    causes.set(path, [...(causes.get(path) ?? []), each]);
  }
  const lines = linesOf(document);
  const shown = pointed ?? at;
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const last = document.parts.length - 1;
    const next =
      event.key === 'Home'
        ? 0
        : event.key === 'End'
          ? last
          : step && Math.min(last, Math.max(0, (at ?? 0) + step));
    if (next === undefined) return;
    event.preventDefault();
    place.current?.querySelector<HTMLElement>(`[data-part="${next}"]`)?.focus();
  };
  const field = (part: Part, index: number, text: string): JSX.Element => {
    const [first] = part.subgraphs;
    const isNull = causes.has(part.path);
    const isDim = lit !== undefined && !part.subgraphs.includes(lit);
    return (
      <button
        key={index}
        aria-label={`${text}: ${saidOf(part, isNull)}`}
        data-part={index}
        tabIndex={index === (at ?? 0) ? 0 : -1}
        class={`field ${first === undefined ? 'nobody' : `colour-${colourOf(first)}`}${isNull ? ' null' : ''}${isDim ? ' dim' : ''}`}
        onFocus={() => setAt(index)}
        onPointerEnter={() => setPointed(index)}
        onPointerLeave={() => setPointed(undefined)}
      >
        {text}
      </button>
    );
  };
  return (
    <>
      <div class="operation-text" ref={place} role="group" aria-label="Operation" onKeyDown={move}>
        {lines.map((line, number) => (
          <div class="line" key={number}>
            <code>
              {line.pieces.map((piece) =>
                typeof piece === 'string' ? (
                  <span class="others">{piece}</span>
                ) : (
                  field(piece.part, piece.index, piece.text)
                ),
              )}
            </code>
            <span class="answering" aria-hidden="true">
              {line.owners.map((name) => (
                <Subgraph key={name} name={name} />
              ))}
            </span>
          </div>
        ))}
      </div>
      <FieldFacts part={shown === undefined ? undefined : document.parts[shown]} causes={causes} />
    </>
  );
}

function FieldFacts({
  part,
  causes,
}: {
  readonly part: Part | undefined;
  readonly causes: ReadonlyMap<string, readonly ExplainedNull[]>;
}): JSX.Element {
  if (part === undefined)
    return <p class="field-facts muted">Point at a field, or go to it with Tab and the arrow keys.</p>;
  const nulls = causes.get(part.path) ?? [];
  return (
    <p class="field-facts">
      <code>{part.path}</code>{' '}
      {part.subgraphs.length === 0 ? (
        <span class="muted">answered by the gateway</span>
      ) : (
        part.subgraphs.map((name) => <Subgraph key={name} name={name} />)
      )}
      {nulls.length > 0 && (
        <span class="bad">
          {' '}
          {nulls[0]!.reason}
          {nulls.length > 1 && ` And ${nulls.length - 1} more.`}
        </span>
      )}
    </p>
  );
}

const saidOf = ({ subgraphs }: Part, isNull: boolean): string =>
  `answered by ${subgraphs.length === 0 ? 'the gateway' : subgraphs.join(', ')}${isNull ? ', null' : ''}`;
