/**
 * What a caller lacks, in a sentence, by the label of the requirement: `authenticated`, `scopes [["a","b"],["c"]]`,
 * `policies [["p"]]`, or the name of a field that the authoriser denies.
 */
export function describeLack(label: string): string {
  if (label === 'authenticated') return 'It needs a caller who is signed in.';
  const [, kind, json] = /^(scopes|policies) (\[.*\])$/.exec(label) ?? [];
  if (kind === undefined) return `The authoriser denies ${label} to the caller.`;
  const ways = JSON.parse(json!) as readonly (readonly string[])[];
  const [one, many] = kind === 'scopes' ? ['scope', 'scopes'] : ['policy', 'policies'];
  const needed = ways.map(
    (way) => `the ${way.length === 1 ? one : many} ${way.map((name) => `"${name}"`).join(' and ')}`,
  );
  return `It needs ${needed.join(', or ')}, which the caller lacks.`;
}
