import { parse, visit } from 'graphql';
import type { Difference, DifferenceSide } from '../replay/difference';

/** Without names that no field of the operation has: they are keys of custom scalars, and may be values. */
export function withoutOtherNames(
  differences: readonly Difference[],
  document: string,
): readonly Difference[] {
  if (differences.length === 0) return differences;
  const fields = new Set<string>();
  visit(parse(document, { noLocation: true }), {
    Field: ({ alias, name }) => void fields.add((alias ?? name).value),
  });
  const hide = (path: string): string =>
    path.replace(/\(key\)|[A-Za-z_]\w*/g, (name) => (fields.has(name) ? name : '(key)'));
  const side = ({ shape }: DifferenceSide): DifferenceSide => {
    // An error: `CODE at PATH`.
    const [what, path] = shape.split(' at ', 2) as [string, string?];
    return path === undefined || path === 'no path' ? { shape } : { shape: `${what} at ${hide(path)}` };
  };
  return differences.map((each) => ({
    ...{ ...each, path: hide(each.path), at: hide(each.at) },
    ...{ a: side(each.a), b: side(each.b) },
  }));
}
