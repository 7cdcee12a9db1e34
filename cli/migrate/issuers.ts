/** What the options need of each issuer of tokens, whatever the other gateway has checked. */
import type { Draft, DraftPath } from './draft';

const references: Readonly<Record<string, string>> = { issuer: '${JWT_ISSUER}', audience: '${JWT_AUDIENCE}' };

const reasons: Readonly<Record<string, string>> = {
  issuer: 'the claim `iss` is checked, too: set the variable, or write the issuer here',
  audience:
    'the claim `aud` is checked, too: set the variable, or write it here, or use `clients`; `withoutAudience: true` for an issuer that writes none',
};

/**
 * Completes the issuers with references to variables: until they are set the gateway does not start, rather than start
 * without a check of tokens.
 */
export function completeIssuers(draft: Draft): void {
  const list = draft.find(['auth', 'oidc']);
  if (list === undefined || list.kind === 'value') return;
  for (const slot of list.members.keys()) {
    const missing = ['issuer', 'audience'].filter((name) => !draft.has(['auth', 'oidc', slot, name]));
    for (const name of missing) refer(draft, ['auth', 'oidc', slot, name]);
  }
}

/** Replaces what is refused of an issuer by a reference. Returns whether it was that. */
export function referInstead(draft: Draft, path: readonly PropertyKey[]): boolean {
  const [auth, oidc, , name] = path;
  if (auth !== 'auth' || oidc !== 'oidc' || !Object.hasOwn(references, String(name))) return false;
  const words = draft.pathOf(path.slice(0, 4));
  if (words === undefined) return false;
  draft.remove(path.slice(0, 4));
  refer(draft, words);
  return true;
}

function refer(draft: Draft, path: DraftPath): void {
  const name = path.at(-1)!;
  draft.set(path, references[name], { reason: reasons[name]! });
}
