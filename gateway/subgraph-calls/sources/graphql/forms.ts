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
  const made = [...one.made];
  for (const each of other.made) {
    const i = made.findIndex(({ field: { key } }) => key === each.field.key);
    if (i === -1) made.push(each);
    else
      made[i] = {
        field: mergeMade(made[i]!.field, each.field),
        needs: new Map([...made[i]!.needs, ...each.needs]),
      };
  }
  return { members, made, isChanged };
}

/** One field that is requested twice by the same response name: once with all that is selected of it. */
function mergeMade(one: MadeField, other: MadeField): MadeField {
  if (one.kind === 'link' && other.kind === 'link')
    return {
      ...one,
      form: { ...one.form, members: mergeMembers([...one.form.members, ...other.form.members]) },
    };
  if (one.kind === 'call' && other.kind === 'call') return { ...one, call: mergeCalls(one.call, other.call) };
  return other;
}

/** Conditions that only one of them has hold for what it selects. */
function mergeCalls(one: RootCall, other: RootCall): RootCall {
  if (one.directives.join() === other.directives.join())
    return { ...one, selection: mergeSelections(one.selection, other.selection) };
  const { uses, ...selection } = mergeSelections(conditional(one), conditional(other));
  // A value has no selection that its conditions may go to.
  const used = new Set(Array.from(`${one.given} ${selection.text}`.matchAll(/\$(\w+)/g), ([, name]) => name));
  const variables =
    selection.text === '' ? new Set([...uses.variables].filter((name) => used.has(name))) : uses.variables;
  return { ...one, directives: [], selection: { ...selection, uses: { ...uses, variables } } };
}

const conditional = ({ selection, directives }: RootCall): Selection =>
  selection.text === ''
    ? selection
    : { ...selection, text: directives.reduceRight((text, each) => `...${each}{${text}}`, selection.text) };

function mergeSelections(one: Selection, { text, form, uses }: Selection): Selection {
  return {
    text: [one.text, text].filter((each) => each !== '').join(' '),
    form: mergeForms(one.form, form),
    uses: {
      variables: new Set([...one.uses.variables, ...uses.variables]),
      fragments: new Map([...one.uses.fragments, ...uses.fragments]),
      ids: new Set([...one.uses.ids, ...uses.ids]),
    },
  };
}

/** Members of one object, each response name once. */
export function mergeMembers(members: ValueForm['members']): ValueForm['members'] {
  const merged = new Map<string, ValueForm['members'][number]>();
  for (const member of members) {
    const before = merged.get(member.key);
    merged.set(member.key, before === undefined ? member : mergeMember(before, member));
  }
  return [...merged.values()];
}

function mergeMember(one: ValueForm['members'][number], other: typeof one): typeof one {
  if (one.kind === 'link' || one.kind === 'call')
    return other.kind === 'link' || other.kind === 'call' ? mergeMade(one, other) : other;
  if (other.kind === 'link' || other.kind === 'call' || one.form === undefined || other.form === undefined)
    return other;
  return {
    ...one,
    form: { ...one.form, members: mergeMembers([...one.form.members, ...other.form.members]) },
  };
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
