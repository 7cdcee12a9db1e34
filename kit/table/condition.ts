/** A condition on the stored item. All tests of an object must hold; of an array of objects, at least one object's. */
export type Condition<Item> = Tests<Item> | readonly Tests<Item>[];

/** For each attribute, the value that it must equal, or a test. */
export type Tests<Item> = { readonly [A in keyof Item]?: Item[A] | Test };

/** A test of one attribute; a class of its own, so that no plain value is taken for one. */
export class Test {
  constructor(
    readonly kind: 'is' | 'not' | 'exists' | 'missing' | 'atLeast' | 'atMost' | 'hasEntry' | 'lacksEntry',
    readonly operand?: unknown,
  ) {}
}

export const exists = new Test('exists');
export const missing = new Test('missing');
export const not = (value: unknown): Test => new Test('not', value);
export const atLeast = (least: number | string): Test => new Test('atLeast', least);
export const atMost = (most: number | string): Test => new Test('atMost', most);
/** The attribute is a map that has an entry of this name. */
export const hasEntry = (name: string): Test => new Test('hasEntry', name);
/** The attribute is missing, or a map without an entry of this name. */
export const lacksEntry = (name: string): Test => new Test('lacksEntry', name);
