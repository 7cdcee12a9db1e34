import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TimelineStep } from '../../gateway/console/api';
import { Facts } from './card';
import { duration } from './format';
import { rowsOf, type StepRow, ticksUntil } from './step-rows';
import { colourOf } from './subgraph-colours';

/** So many steps are shown at first: a long subscription has thousands. */
const shownAtFirst = 200;

/** What was done for a request, as a waterfall: each step is a button that opens what is known of it. */
export function Timeline({
  steps,
  ms,
  lit,
}: {
  readonly steps: readonly TimelineStep[];
  /** How long the request took. */
  readonly ms: number;
  /** The only subgraph whose steps are shown in full; all if missing. */
  readonly lit: string | undefined;
}): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const rows = rowsOf(steps);
  const end = Math.max(ms, ...steps.map((step) => step.start + step.ms), 0.01);
  const shown = isWhole ? rows : rows.slice(0, shownAtFirst);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('.step > button')];
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    if (at === -1) return;
    event.preventDefault();
    buttons[at + step]?.focus();
  };
  const ticks = ticksUntil(end);
  return (
    <div class="timeline" onKeyDown={move}>
      <div class="axis" aria-hidden="true">
        <div>
          {ticks.map((tick) => (
            <span key={tick} class="tick" style={{ left: `${(tick / end) * 100}%` }}>
              {duration(tick)}
            </span>
          ))}
        </div>
      </div>
      <ol>
        {shown.map((row) => (
          <StepBar key={row.step.id} row={row} end={end} ticks={ticks} lit={lit} />
        ))}
      </ol>
      {rows.length > shown.length && (
        <button class="button" onClick={() => setWhole(true)}>
          Show all {rows.length} steps
        </button>
      )}
    </div>
  );
}

function StepBar({
  row: { step, depth },
  end,
  ticks,
  lit,
}: {
  readonly row: StepRow;
  readonly end: number;
  readonly ticks: readonly number[];
  readonly lit: string | undefined;
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const { name, subgraph, failed, sentences, facts } = step;
  const share = (part: number): string => `${Math.min(100, Math.max(0, (part / end) * 100))}%`;
  const indent = { paddingLeft: `${Math.min(depth, 8) * 12}px` };
  const panel = `step-${step.id}`;
  const tone =
    failed !== undefined ? 'failed' : subgraph === undefined ? 'own' : `colour-${colourOf(subgraph)}`;
  const isDim = lit !== undefined && subgraph !== lit;
  return (
    <li class={isDim ? 'step dim' : 'step'}>
      <button aria-expanded={isOpen} aria-controls={panel} onClick={() => setOpen(!isOpen)}>
        <span class="name" style={indent}>
          {subgraph !== undefined && <span class={`dot colour-${colourOf(subgraph)}`} aria-hidden="true" />}
          <span>{wordsOf(name)}</span>
          {subgraph !== undefined && !name.includes(subgraph) && <span class="muted">{subgraph}</span>}
          {failed !== undefined && (
            <span class="bad" title={failed}>
              ✕<span class="unseen"> failed</span>
            </span>
          )}
        </span>
        <span class="track" aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick} class="line" style={{ left: share(tick) }} />
          ))}
          <span class={`bar ${tone}`} style={{ left: share(step.start), width: share(step.ms) }} />
        </span>
        <span class="took">{duration(step.ms)}</span>
        {sentences.length > 0 && (
          <span class="sentences" style={indent}>
            {sentences.join(' ')}
          </span>
        )}
      </button>
      <div id={panel} class="panel" hidden={!isOpen}>
        {isOpen && (
          <>
            {sentences.length > 0 && (
              <ul>
                {sentences.map((sentence) => (
                  <li key={sentence}>{sentence}</li>
                ))}
              </ul>
            )}
            <Facts
              facts={[
                ['step', step.name],
                ['began', `after ${duration(step.start)}`],
                ['took', duration(step.ms)],
                ...(failed === undefined ? [] : [['failed', failed] as const]),
                ...Object.entries(facts).map(([fact, value]) => [fact, String(value)] as const),
              ]}
            />
          </>
        )}
      </div>
    </li>
  );
}

/** The name of a span without the prefix of its kind: `weir.cache.lookup` is `cache lookup`. */
const wordsOf = (name: string): string =>
  /^(?:weir|graphql)\./.test(name) ? name.slice(name.indexOf('.') + 1).replaceAll(/[._]/g, ' ') : name;
