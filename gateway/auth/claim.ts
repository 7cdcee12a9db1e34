/** A claim by its name: `tenant`, or `realm_access.roles` for a nested one, unless a claim has exactly this name. */
export const claimAt = (claims: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : memberAt(claims, name.split('.'));

function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (map, key) =>
      typeof map === 'object' && map !== null && Object.hasOwn(map, key)
        ? (map as Record<string, unknown>)[key]
        : undefined,
    value,
  );
}
