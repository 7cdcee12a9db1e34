/** Without a schema: commands read these variables before they load what reads options. */

/** Variables by their names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The keys of the private link in the environment, or their file; undefined if neither is set.
 *
 * @throws {Error} with a sentence if both are
 */
export function linkKeysIn({ WEIR_LINK_KEYS: keys, WEIR_LINK_KEYS_FILE: keysFile }: Environment) {
  if (keys && keysFile) throw new Error('only one of WEIR_LINK_KEYS and WEIR_LINK_KEYS_FILE may be set.');
  if (keysFile) return { keysFile };
  return keys ? { keys: keys.split(',').map((key) => key.trim()) } : undefined;
}
