/** What the options need of each issuer of tokens, whatever the other gateway has checked. */
import type { Draft, DraftNode, DraftPath } from './draft';

const references: Readonly<Record<string, string>> = {
  issuer: '${JWT_ISSUER}',
  audience: '${JWT_AUDIENCE}',
  header: '${JWT_HEADER}',
};

const reasons: Readonly<Record<string, string>> = {
  issuer: 'the claim `iss` is checked, too: set the variable, or write the issuer here',
  audience:
    'the claim `aud` is checked, too: set the variable, or write it here, or use `clients`; `withoutAudience: true` for an issuer that writes none',
  header: 'a header that has nothing but tokens: set the variable, or write it here',
};

/**
 * Completes the issuers with references to variables: until they are set the gateway does not start, rather than start
 * without a check of tokens.
 */
export function completeIssuers(draft: Draft): void {
  const list = draft.find(['auth', 'oidc']);
  if (list === undefined || list.kind === 'value') return;
  spreadHeaders(list.members);
  if (list.members.size === 0) draft.remove(['auth', 'oidc']);
  for (const slot of list.members.keys()) {
    const missing = ['issuer', 'audience'].filter((name) => !draft.has(['auth', 'oidc', slot, name]));
    for (const name of missing) refer(draft, ['auth', 'oidc', slot, name]);
  }
}

/** Gives what stands for all issuers, one header of tokens each, to each of them, which has an item for each header. */
function spreadHeaders(members: Map<string, DraftNode>): void {
  const headers = [...members]
    .filter(([word]) => word.startsWith('[*'))
    .sort(([one], [other]) => one.localeCompare(other));
  for (const [word] of headers) members.delete(word);
  for (const [word, issuer] of [...members]) {
    const items = headers.map((_, i) => (i === 0 ? issuer : copyOf(issuer)));
    for (const [i, [name, header]] of headers.entries()) {
      for (const [key, node] of membersOf(header)) membersOf(items[i]!).set(key, copyOf(node));
      members.set(i === 0 ? word : `${word}${name}`, items[i]!);
    }
  }
}

const membersOf = (node: DraftNode): Map<string, DraftNode> =>
  node.kind === 'value' ? new Map<string, DraftNode>() : node.members;

const copyOf = (node: DraftNode): DraftNode =>
  node.kind === 'value'
    ? { ...node, origins: [...node.origins] }
    : { ...node, members: new Map([...node.members].map(([key, member]) => [key, copyOf(member)])) };

/** Replaces what is refused of an issuer by a reference. Returns whether it was that. */
export function referInstead(draft: Draft, path: DraftPath): boolean {
  const [auth, oidc, slot, name] = path;
  if (auth !== 'auth' || oidc !== 'oidc' || !Object.hasOwn(references, String(name))) return false;
  const option = [auth, oidc, slot!, name!];
  if (!draft.has(option)) return false;
  draft.remove(option);
  refer(draft, option);
  return true;
}

function refer(draft: Draft, path: DraftPath): void {
  const name = path.at(-1)!;
  draft.set(path, references[name], { reason: reasons[name]! });
}
