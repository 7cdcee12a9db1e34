import { type Identity, isSignedIn } from '../auth/identity';
import type { Tool } from './tools/tools';

/** Why a caller may not call a tool. */
export interface ToolRefusal {
  /** `anonymous`: it has no credentials; `never`: no token would help, as a policy is not met or a field is denied. */
  readonly kind: 'anonymous' | 'scopes' | 'never';
  /** The scopes that it lacks. */
  readonly scopes: readonly string[];
}

/** @param refused the labels of what is refused to the caller */
export function refusalOf(
  { isPartial, access: { requirements } }: Pick<Tool, 'isPartial' | 'access'>,
  identity: Identity,
  refused: readonly string[],
): ToolRefusal | undefined {
  if (refused.length === 0 || isPartial) return undefined;
  const scopes = missingScopes(requirements, identity.scopes);
  if (identity.mode === 'none') return { kind: 'anonymous', scopes };
  const needsLogin = !isSignedIn(identity) && requirements.some(({ kind }) => kind === 'authenticated');
  return { kind: scopes.length > 0 && !needsLogin ? 'scopes' : 'never', scopes };
}

/**
 * All scopes of the alternatives that lack the least: a client that requests them at once need not come back for more.
 *
 * @param own the scopes that the caller has
 */
export function missingScopes(
  requirements: Tool['access']['requirements'],
  own: readonly string[],
): readonly string[] {
  const has = new Set(own);
  const lacking = (group: readonly string[]): number => group.filter((scope) => !has.has(scope)).length;
  const groups = requirements.flatMap((requirement) => {
    if (requirement.kind !== 'scopes' || requirement.anyOf.length === 0) return [];
    const [best] = [...requirement.anyOf].sort((one, other) => lacking(one) - lacking(other));
    return lacking(best!) === 0 ? [] : best!;
  });
  return [...new Set(groups)];
}
