import type { Store } from '../../gateway/cache/stores/store';
import { entryAt } from './cache-stores';
import { eventually } from './process';

/** Resolves when a store answers. A clock that ends with `|` is one without the shared store. */
export const isThere = (store: Store): Promise<void> =>
  eventually(async () => {
    const { clock } = await store.get([]).catch(() => ({ clock: undefined }));
    return clock !== undefined && !clock.endsWith('|');
  });

/** Stores the key as its own value. */
export async function fill(store: Store, key: string, tags: readonly string[] = []): Promise<void> {
  const { clock } = await store.get([key]);
  await store.set(new Map([[key, entryAt(Date.now(), { value: key, tags })]]), clock);
}

export const finds = async (store: Store, key: string): Promise<boolean> =>
  (await store.get([key])).entries[0] !== undefined;
