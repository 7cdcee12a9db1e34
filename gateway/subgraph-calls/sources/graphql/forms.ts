/** What an operation of a source is compiled to: text for the API, and how its answers become those of a federation subgraph. */
import type { Evaluate } from '../../../../schema/supergraph/sources/selection-map';
import type { ToArgument } from '../arguments';

/** How the objects of an answer are changed. */
export interface Form {
  /** Members that are not copied as they are, by their names in the answer. */
  readonly members: ReadonlyMap<string, Member>;
  readonly made: readonly MadeOfMembers[];
  /** Whether any object at or below has more to change than IDs that are numbers. */
  readonly isChanged: boolean;
}

/**
 * `typename`: the name at the source of a type. `id`: text, which some sources have as number. `need`: is left out, as the
 * field with this response key is made of it.
 */
export type Member =
  | { readonly kind: 'typename' | 'id' }
  | { readonly kind: 'need'; readonly of: string }
  | { readonly kind: 'object'; readonly form: Form };

/** A field that is made of members of the answer. */
interface MadeOfMembers {
  readonly field: MadeField;
  /** The names of the object's fields by those of the members. */
  readonly needs: ReadonlyMap<string, string>;
}

/** A field that is made of an object's values: `@derive` or `@from`. */
export type MadeField = LinkField | CallField;

export interface LinkField {
  readonly kind: 'link';
  readonly key: string;
  readonly evaluate: Evaluate;
  readonly form: ValueForm;
}

export interface CallField {
  readonly kind: 'call';
  readonly key: string;
  readonly call: RootCall;
}

/** What is selected of an object of which the executor has the values. */
export interface ValueForm {
  readonly typename: string;
  readonly members: readonly (MadeField | ValueField)[];
}

export interface ValueField {
  readonly kind: 'typename' | 'value';
  readonly key: string;
  readonly name: string;
  readonly isId: boolean;
  readonly form: ValueForm | undefined;
}

/** A root field of the API, called with arguments that are made of an object's values. */
export interface RootCall {
  /** Its number in the compiled operation. */
  readonly number: number;
  readonly field: string;
  /** Those in its selection come last, and have no name. */
  readonly arguments: readonly {
    readonly name: string | undefined;
    readonly type: string;
    readonly toArgument: ToArgument;
    readonly isRequired: boolean;
  }[];
  /** Other arguments, as text. */
  readonly given: string;
  /** Those that decide whether it is called: `@include(if: $a)`. */
  readonly directives: readonly string[];
  readonly selection: Selection;
  /** Undefined where it returns no objects. */
  readonly type: string | undefined;
}

/** What is selected of the objects of the API. */
export interface Selection {
  /** Without braces. A {@link slotMark} stands for the number of the call in its operation. */
  readonly text: string;
  readonly form: Form;
  readonly uses: Uses;
}

/** What a text needs in its operation. */
export interface Uses {
  readonly variables: Set<string>;
  /** Definitions by their names. */
  readonly fragments: Map<string, string>;
  /** Response keys of IDs. */
  readonly ids: Set<string>;
}

export const slotMark = '\0';

export const noForm: Form = { members: new Map(), made: [], isChanged: false };

/** The form of objects for which both are requested. */
export function mergeForms(one: Form, other: Form): Form {
  if (one === noForm || one === other) return other;
  if (other === noForm) return one;
  const members = new Map(one.members);
  for (const [key, member] of other.members) {
    const before = members.get(key);
    const merged =
      before?.kind === 'object' && member.kind === 'object'
        ? ({ kind: 'object', form: mergeForms(before.form, member.form) } as const)
        : member;
    members.set(key, merged);
  }
  const isChanged = one.isChanged || other.isChanged;
  return { members, made: [...one.made, ...other.made], isChanged };
}

export const formOfMember = (key: string, member: Member): Form => ({
  members: new Map([[key, member]]),
  made: [],
  isChanged: member.kind === 'object' ? member.form.isChanged : member.kind !== 'id',
});

/** The path of an error below an object, as the operation has it. */
export function pathOf(path: readonly unknown[], form: Form): readonly unknown[] {
  let at: Form | undefined = form;
  for (const [i, step] of path.entries()) {
    const member: Member | undefined = typeof step === 'string' ? at?.members.get(step) : undefined;
    if (member?.kind === 'need') return [...path.slice(0, i), member.of];
    if (typeof step === 'string') at = member?.kind === 'object' ? member.form : undefined;
  }
  return path;
}
