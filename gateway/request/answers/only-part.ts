import type { Part, Parts, Sink } from '../sink';

export interface OnlyPartOptions {
  readonly kind: Parts['kind'];
  readonly ending?: Part['ending'];
  /** Called when the client has room for more. */
  readonly release?: (() => void) | undefined;
}

/** An answer that is whole, for a client that takes answers in parts alone. */
export function onlyPart(body: Buffer, { kind, ending, release }: OnlyPartOptions): Parts {
  return {
    kind,
    async forEach(take) {
      await take({ body, ending });
      release?.();
    },
    close: () => undefined,
  };
}

/** Whether a client takes parts of any kind. */
export const takesParts = ({ takesEvents, incremental }: Sink): boolean =>
  takesEvents || incremental !== undefined;
