import type { Options } from '../options';
import { MemoryStore } from './memory';
import type { Store } from './store';

/** Opens the store that the options name. */
export function openStore({ memory }: Options['cache']): Store {
  return new MemoryStore({ maxBytes: memory });
}
