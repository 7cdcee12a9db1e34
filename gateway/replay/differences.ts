import { parse, visit } from 'graphql';
import { beginningOf } from './beginning';
import type { Difference, DifferenceKind, DifferenceSide } from './difference';
import { type ExactJson, typeOf, writeExactJson } from './exact-json';
import { pathOf, type Position, type PositionMatcher, indexedPathOf } from './position';

export interface CompiledRules {
  readonly isIgnored: PositionMatcher;
  readonly isUnordered: PositionMatcher;
  readonly values: boolean;
}

/** Levels of objects and lists that are compared. */
export const deepest = 100;
/** What one pair of answers is searched for: with more, it is another answer. */
const mostDifferences = 1000;

/** What was found so far in one pair of answers. */
export class Differences {
  readonly rules: CompiledRules;
  readonly #found: Omit<Difference, 'count'>[] = [];
  readonly #document: string | undefined;
  #objects: ReadonlySet<string> | undefined;

  /** @param document of the operation; undefined if it is not known */
  constructor(rules: CompiledRules, document: string | undefined) {
    this.rules = rules;
    this.#document = document;
  }

  get count(): number {
    return this.#found.length;
  }

  get isFull(): boolean {
    return this.#found.length >= mostDifferences;
  }

  add(kind: DifferenceKind, position: Position, a: DifferenceSide, b: DifferenceSide): void {
    if (this.isFull) return;
    this.#found.push({
      path: pathOf(position, this.objects),
      kind,
      at: indexedPathOf(position, this.objects),
      a,
      b,
    });
  }

  /** The fields that may have others below them; undefined where all names may be shown. */
  get objects(): ReadonlySet<string> | undefined {
    if (this.rules.values || this.#document === undefined) return undefined;
    return (this.#objects ??= objectsIn(this.#document));
  }

  /** Forgets what was found after there were so many. */
  backTo(count: number): void {
    this.#found.length = count;
  }

  sideOf(value: ExactJson): DifferenceSide {
    const shape = shapeOf(value);
    return this.rules.values ? { shape, value: shortened(writeExactJson(value, 8)) } : { shape };
  }

  /** Each path and kind once, in the order in which they were found. */
  grouped(): readonly Difference[] {
    const groups = new Map<string, Difference>();
    for (const each of this.#found) {
      const key = `${each.kind} ${each.path}`;
      const group = groups.get(key);
      groups.set(key, { ...(group ?? each), count: (group?.count ?? 0) + 1 });
    }
    return [...groups.values()];
  }
}

function objectsIn(document: string): ReadonlySet<string> {
  const names = new Set<string>();
  visit(parse(document, { noLocation: true }), {
    Field({ alias, name, selectionSet }) {
      if (selectionSet !== undefined) names.add((alias ?? name).value);
    },
  });
  return names;
}

function shapeOf(value: ExactJson): string {
  const type = typeOf(value);
  if (type === 'null') return 'null';
  if (type === 'object') return 'an object';
  if (type === 'list') return `a list of ${(value as readonly ExactJson[]).length}`;
  return `a ${type}`;
}

/** The beginning of a text. */
export const shortened = (text: string): string => (text.length > 200 ? `${beginningOf(text, 200)}…` : text);
