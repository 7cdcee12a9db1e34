import type { Flow, Source } from '../../gateway/subgraph-calls/contract/source';

/** Asks a flow for one answer after the other; it has room for the next when that is asked for. */
export function pulled<Each>(flow: Flow<Each>): Pick<Source<Each>, 'next'> {
  let give: (each: Each) => void;
  let makeRoom: (() => void) | undefined;
  let ended: Promise<void> | undefined;
  return {
    next: () =>
      new Promise((resolve, reject) => {
        give = resolve;
        makeRoom?.();
        ended ??= flow.forEach((each) => {
          give(each);
          return new Promise((room) => (makeRoom = room));
        });
        ended.then(() => resolve(undefined), reject);
      }),
  };
}
