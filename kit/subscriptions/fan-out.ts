import { type EventSelection } from './event-source';

/** An event as selections see it. */
export interface SelectableEvent {
  readonly type: string;
  readonly key: string;
  readonly data: unknown;
}

type KeyOf = EventSelection['keyOf'];

/** Whom an event is for: found by its type and key, so that it costs nothing for subscribers of other keys. */
export class FanOut<Subscriber> {
  /** By type, by what its key is taken from, and by key. `undefined`: all keys. */
  readonly #topics = new Map<string, Map<KeyOf, Map<string | undefined, Set<Subscriber>>>>();

  add(subscriber: Subscriber, selection: EventSelection): void {
    for (const { type, key } of topicsOf(selection)) {
      const byKeyOf = getOrAdd(this.#topics, type, () => new Map<KeyOf, Map<string, Set<Subscriber>>>());
      const byKey = getOrAdd(byKeyOf, selection.keyOf, () => new Map<string | undefined, Set<Subscriber>>());
      getOrAdd(byKey, key, () => new Set<Subscriber>()).add(subscriber);
    }
  }

  delete(subscriber: Subscriber, { keyOf, ...selection }: EventSelection): void {
    for (const { type, key } of topicsOf(selection)) {
      const byKeyOf = this.#topics.get(type);
      const byKey = byKeyOf?.get(keyOf);
      const subscribers = byKey?.get(key);
      subscribers?.delete(subscriber);
      if (subscribers?.size === 0) byKey?.delete(key);
      if (byKey?.size === 0) byKeyOf?.delete(keyOf);
      if (byKeyOf?.size === 0) this.#topics.delete(type);
    }
  }

  *subscribersOf(event: SelectableEvent): Generator<Subscriber> {
    for (const [keyOf, byKey] of this.#topics.get(event.type) ?? []) {
      yield* byKey.get(undefined) ?? [];
      yield* byKey.get(keyOf ? keyOf(event.data) : event.key) ?? [];
    }
  }
}

/** Whether a selection has an event. */
export function selects(
  { types, keys, keyOf }: EventSelection,
  { type, key, data }: SelectableEvent,
): boolean {
  if (!types.includes(type)) return false;
  return keys === 'all' || keys.includes(keyOf ? keyOf(data) : key);
}

const topicsOf = ({ types, keys }: Pick<EventSelection, 'types' | 'keys'>) =>
  [...new Set(types)].flatMap((type) =>
    (keys === 'all' ? [undefined] : [...new Set(keys)]).map((key) => ({ type, key })),
  );

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
