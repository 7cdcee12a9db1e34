import { type CompiledRules, deepest } from './differences';
import { type ExactJson, type ExactObject, typeOf } from './exact-json';
import { type Position, positionIn } from './position';

/** A text that two values have in common exactly if comparing them finds no difference. */
export function canonicalText(value: ExactJson, position: Position, rules: CompiledRules): string {
  const type = typeOf(value);
  if (type !== 'object' && type !== 'list') return JSON.stringify(value);
  // It was not compared, and is equal to nothing.
  if (position.depth >= deepest) return `deep ${deepValues++}`;
  if (type === 'list') {
    const item = positionIn(position, 0);
    const items = (value as readonly ExactJson[]).map((each) => canonicalText(each, item, rules));
    return `[${(rules.isUnordered(position) ? items.sort() : items).join(',')}]`;
  }
  const members = Object.entries(value as ExactObject).flatMap(([name, each]) => {
    const field = positionIn(position, name);
    return rules.isIgnored(field) ? [] : [`${JSON.stringify(name)}:${canonicalText(each, field, rules)}`];
  });
  return `{${members.sort().join(',')}}`;
}

let deepValues = 0;

/** Whether two lists of one length have the same items, in any order. */
export function haveSameItems(
  a: readonly ExactJson[],
  b: readonly ExactJson[],
  position: Position,
  rules: CompiledRules,
): boolean {
  const item = positionIn(position, 0);
  const sorted = (list: readonly ExactJson[]): string[] =>
    list.map((each) => canonicalText(each, item, rules)).sort();
  const others = sorted(b);
  return sorted(a).every((text, i) => text === others[i]);
}
