/** An option that holds no others, or a list of such values. */
export interface OptionValue {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** The options that have a value, however deep. */
export function* leavesOf(value: unknown, path: readonly (string | number)[] = []): Generator<OptionValue> {
  const members = Array.isArray(value)
    ? value.some((item) => typeof item === 'object')
      ? value.map((item, index): [number, unknown] => [index, item])
      : []
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : [];
  if (members.length === 0 && value !== undefined) yield { path, value };
  for (const [key, member] of members) yield* leavesOf(member, [...path, key]);
}
