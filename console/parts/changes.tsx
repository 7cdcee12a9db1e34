import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { VersionDifference } from '../../gateway/console/versions-api';
import { Badge, type Tone } from './badge';
import { count } from './format';
import { Said } from './said';

const tones: Readonly<Record<string, Tone>> = { breaking: 'bad', dangerous: 'warn', safe: 'good' };
const mostShown = 20;

/** What clients see of a version that they did not see before, as `weir diff` prints it. */
export function Changes({ changes }: Pick<VersionDifference, 'changes'>): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  if (changes.length === 0) return <p>Clients see no difference.</p>;
  return (
    <>
      <ul class="sentences">
        {(isWhole ? changes : changes.slice(0, mostShown)).map(({ severity, message }) => (
          <li key={message}>
            <Badge tone={tones[severity] ?? 'plain'}>{severity}</Badge> <Said text={message} />
          </li>
        ))}
      </ul>
      {changes.length > mostShown && (
        <p class="rest">
          <button class="button" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show ${count(changes.length - mostShown)} more`}
          </button>
        </p>
      )}
    </>
  );
}
