import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A button that copies a text, and says so. */
export function Copy({
  label,
  text,
}: {
  readonly label: string;
  /** Called when the button is pressed. */
  readonly text: () => string;
}): JSX.Element {
  const [said, setSaid] = useState<string>();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), 2_000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => setSaid((await copied(text())) ? 'Copied' : 'Not possible here');
  return (
    <button class="button" onClick={() => void copy()}>
      {/* Both texts take their place, so that the button keeps its width. */}
      <span class="swap">
        <span class={said === undefined ? '' : 'hidden'}>{label}</span>
        <span class={said === undefined ? 'hidden' : ''} role="status">
          {said ?? ''}
        </span>
      </span>
    </button>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // The clipboard is for pages on loopback or over TLS only, and may be forbidden there, too.
    return false;
  }
}
