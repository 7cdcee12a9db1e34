/** What an operation of a source is compiled to: text for the API, and how its answers become those of a federation subgraph. */
import type { Evaluate } from '../../../../schema/supergraph/sources/selection-map';
import type { ToArgument } from '../arguments';
import type { EntitySelection } from './entity-selection';

/** How the objects of an answer are changed. */
export interface Form {
  /** Members that do not stay as they are, by their names in the answer. */
  readonly members: ReadonlyMap<string, Member>;
  readonly made: readonly MadeField[];
  /** The forms of types whose objects differ, by their names at the source, which `typenameMember` has. */
  readonly byType: ReadonlyMap<string, Form> | undefined;
  /** Whether any object at or below has more to change than IDs that are numbers. */
  readonly isChanged: boolean;
}

/**
 * `typename`: the name at the source of a type. `id`: text, which some sources have as number. A list: is left out, as the
 * fields with these response names are made of it.
 */
export type Member = 'typename' | 'id' | readonly string[] | Form;

/** Fields that are made of an object's values. */
export type MadeField = LinkField | CallField | MissingFields;

interface Made {
  /** The members of the answer that it is made of, and the names of their fields. */
  readonly needs: readonly (readonly [alias: string, name: string])[];
}

/** Of `@derive`. */
export interface LinkField extends Made {
  readonly kind: 'link';
  readonly key: string;
  readonly evaluate: Evaluate;
  readonly typename: string;
  readonly entity: EntitySelection;
}

/** Of `@from`. */
export interface CallField extends Made {
  readonly kind: 'call';
  readonly key: string;
  readonly call: RootCall;
}

/** What an object has not: it is looked up. */
interface MissingFields extends Made {
  readonly kind: 'missing';
  readonly typename: string;
  readonly entity: EntitySelection;
}

/** A root field of the API, called with arguments that are made of an object's values. */
export interface RootCall extends Selected {
  /** Its number in the compiled operation. */
  readonly number: number;
  readonly field: string;
  /** Those in its selection come last, and have no name. */
  readonly arguments: readonly CallArgument[];
  /** Other arguments, as text. */
  readonly given: string;
  /** The client's variables that it uses. */
  readonly variables: ReadonlySet<string>;
  /** Undefined where it returns no objects. */
  readonly type: string | undefined;
}

export interface CallArgument {
  readonly name: string | undefined;
  readonly type: string;
  readonly toArgument: ToArgument;
  readonly isRequired: boolean;
}

/** What is selected of the objects of the API. */
export interface Selected {
  /** Without braces. A {@link slotMark} stands for the number of the call in its operation. */
  readonly text: string;
  readonly form: Form;
}

export const slotMark = '\0';

/** The member of an answer with its type. */
export const typenameMember = '_t';

export const noForm: Form = { members: new Map(), made: [], byType: undefined, isChanged: false };

export function formOf(members: Form['members'], made: Form['made'] = [], byType?: Form['byType']): Form {
  if (members.size === 0 && made.length === 0 && byType === undefined) return noForm;
  const isChanged = [...members.values()].some(
    (each) => each !== 'id' && (typeof each === 'string' || !('members' in each) || each.isChanged),
  );
  return { members, made, byType, isChanged: isChanged || made.length > 0 || byType !== undefined };
}

/** The paths of an error below an object, as the operation has them. */
export function pathsOf(path: readonly unknown[], form: Form): readonly (readonly unknown[])[] {
  let at: Form | undefined = form;
  for (const [i, step] of path.entries()) {
    if (typeof step !== 'string') continue;
    const member: Member | undefined = at && memberOf(at, step);
    if (typeof member !== 'object') at = undefined;
    else if ('members' in member) at = member;
    else return member.length === 0 ? [path.slice(0, i)] : member.map((key) => [...path.slice(0, i), key]);
  }
  return [path];
}

const memberOf = (form: Form, name: string): Member | undefined =>
  [form, ...(form.byType?.values() ?? [])].find(({ members }) => members.has(name))?.members.get(name);
