/** Compiles selections in the graph to selections of the API. Over 300 lines: each kind of field that an overlay makes. */
import {
  type ArgumentNode,
  type DirectiveNode,
  type FieldNode,
  print,
  type SelectionNode,
  stripIgnoredCharacters,
  type TypeNode,
  visit,
} from 'graphql';
import { typeText } from '../../../../schema/supergraph/sdl';
import { compileSelectionMap, type SelectionMap } from '../../../../schema/supergraph/sources/selection-map';
import type {
  Lookup,
  SourceField,
  SourceSchema,
  SourceType,
} from '../../../../schema/supergraph/sources/source-schema';
import { compileArgument } from '../arguments';
import { EntitySelection } from './entity-selection';
import {
  conditions,
  fieldsIn,
  fieldText,
  isMade,
  isPlain,
  mapsOf,
  type SelectedField,
  type Selections,
} from './fields';
import {
  type CallArgument,
  type CallField,
  type Form,
  formOf,
  type LinkField,
  type MadeField,
  type Member,
  noForm,
  type RootCall,
  type Selected,
  slotMark,
  typenameMember,
} from './forms';

/** What the text of a selection needs in its operation. */
export interface TextContext {
  readonly variables: Set<string>;
  /** Response names of IDs. */
  readonly ids: Set<string>;
  /** Collects arguments that are made of the object's representation; undefined where there is none. */
  readonly required: CallArgument[] | undefined;
}

export class SelectionCompiler {
  readonly source: SourceSchema;
  readonly selections: Selections;
  /** By their names in the graph. */
  readonly #types = new Map<string, SourceType[]>();
  readonly #aliases = new Map<string, string>();
  #calls = 0;

  constructor(source: SourceSchema, selections: Selections) {
    this.source = source;
    this.selections = selections;
    for (const type of source.types.values())
      this.#types.set(type.graphName, [...(this.#types.get(type.graphName) ?? []), type]);
  }

  /** The types at the source of a type of the graph: it itself, and its summaries. */
  typesOf(name: string): readonly SourceType[] {
    return this.#types.get(name) ?? [];
  }

  /** Whether a type in the graph is another one, or one of its objects. */
  isOf(name: string, abstract: string): boolean {
    return (
      name === abstract ||
      this.typesOf(abstract).some(({ possibleTypes }) =>
        possibleTypes.some((each) => this.source.types.get(each)?.graphName === name),
      )
    );
  }

  select(selections: readonly SelectionNode[], type: SourceType, context: TextContext): Selected {
    const objects = type.possibleTypes.flatMap((name) => this.source.types.get(name) ?? []);
    const own = this.selections.fieldsOf(selections, (on) =>
      objects.every(({ graphName }) => this.isOf(graphName, on)),
    );
    const { texts, form } = this.object(own, type, context);
    if (type.kind === 'object') return { text: [...texts.values()].join(' '), form };
    const forms = new Map<string, Form>();
    const others: string[] = [];
    for (const object of objects) {
      const fields = this.selections.fieldsOf(selections, (on) => this.isOf(object.graphName, on));
      const each = this.object(fields, object, context);
      forms.set(object.name, each.form);
      const more = [...each.texts].flatMap(([key, text]) => (texts.get(key) === text ? [] : [text]));
      if (more.length > 0) others.push(`...on ${object.name}{${more.join(' ')}}`);
    }
    const text = [...texts.values(), ...others];
    const merged = mergedForm([form, ...forms.values()]);
    if (merged !== undefined) return { text: text.join(' '), form: merged };
    const members = new Map([...form.members, [typenameMember, []]]);
    for (const [name, each] of forms)
      forms.set(name, formOf(new Map([...each.members, [typenameMember, []]]), each.made));
    return {
      text: [`${typenameMember}:__typename`, ...text].join(' '),
      form: formOf(members, form.made, forms),
    };
  }

  /** What is selected of objects of one type, by response names and aliases. */
  object(
    selected: readonly SelectedField[],
    type: SourceType,
    context: TextContext,
  ): { readonly texts: ReadonlyMap<string, string>; readonly form: Form } {
    const texts = new Map<string, string>();
    const members = new Map<string, Member>();
    const made: MadeField[] = [];
    const missing: SelectedField[] = [];
    const needsOf = (fields: readonly FieldNode[], keys: readonly string[]): MadeField['needs'] =>
      fields.map((field) => {
        const alias = this.#aliasOf(type, field);
        texts.set(alias, `${alias}:${fieldText(field)}`);
        members.set(alias, [...((members.get(alias) as string[] | undefined) ?? []), ...keys]);
        return [alias, field.name.value];
      });
    for (const each of selected) {
      const { key, name } = each;
      const field = this.fieldOf(type, name);
      if (field !== undefined && isMade(field) && this.has(type, field))
        made.push({ ...this.made(field, each), needs: needsOf(fieldsIn(mapsOf(field)), [key]) });
      else if (this.#isMissing(type, name, field, context)) missing.push(each);
      else {
        const { text, member } = this.#field(each, type, field, context);
        texts.set(key, text);
        if (member !== undefined) members.set(key, member);
      }
    }
    const isOne = missing.length > 0 && this.#lookupsAt(type, missing).length > 0;
    for (const fields of isOne ? [missing] : missing.map((each) => [each])) {
      const maps = [
        ...this.#lookupsAt(type, fields).flatMap(({ arguments: args }) => args.map(({ map }) => map)),
        ...fields.flatMap(({ name }) => mapsOf(this.fieldOf(type, name)!)),
      ];
      const needed = fieldsIn(maps).filter(({ name }) => isPlain(type, name.value));
      const needs = needsOf(
        needed,
        fields.map(({ key }) => key),
      );
      const entity = new EntitySelection(this, () => fields, true);
      made.push({ kind: 'missing', typename: type.graphName, entity, needs });
    }
    return { texts, form: formOf(members, made) };
  }

  /** What is made of a summary's values may be declared at its entity. */
  fieldOf(type: SourceType, name: string): SourceField | undefined {
    return type.fields.get(name) ?? this.source.types.get(type.graphName)?.fields.get(name);
  }

  /** Whether objects of a type have a field, or what it is made of. */
  has(type: SourceType, field: SourceField): boolean {
    return isMade(field)
      ? fieldsIn(mapsOf(field)).every(({ name }) => isPlain(type, name.value))
      : type.fields.has(field.name);
  }

  /** The lookups that answer with all of these fields, those of lists first. */
  lookupsOf(entity: string, fields: readonly Pick<SelectedField, 'name'>[]): readonly Lookup[] {
    return (this.source.lookups.get(entity) ?? [])
      .filter((lookup) => {
        const { type } = this.returnedBy(lookup);
        return fields.every(({ name }) => {
          const field = this.fieldOf(type, name);
          return field !== undefined && this.has(type, field);
        });
      })
      .sort((one, other) => Number(other.isList) - Number(one.isList));
  }

  /** The root field of a lookup, and the type of the entity there. */
  returnedBy({ entity, field }: Lookup): { readonly root: SourceField; readonly type: SourceType } {
    const { types, roots } = this.source;
    const root = types.get(roots.query!)!.fields.get(field)!;
    const returned = types.get(root.namedType)!;
    const type = this.typesOf(entity).find(({ name }) => returned.possibleTypes.includes(name)) ?? returned;
    return { root, type };
  }

  /** @param isNested whether its objects have values of their own, which stay where a lookup finds nothing */
  entity(selections: readonly SelectionNode[], isNested: boolean): EntitySelection {
    const fieldsOf = (typename: string): readonly SelectedField[] =>
      this.selections.fieldsOf(selections, (on) => this.isOf(typename, on));
    return new EntitySelection(this, fieldsOf, isNested);
  }

  /** A call of a root field for each set of values that its arguments are made of. */
  call(
    root: SourceField,
    args: readonly CallArgument[],
    given: readonly ArgumentNode[],
    select: (context: TextContext) => Selected,
  ): RootCall {
    const required = [...args];
    const context: TextContext = { variables: new Set(), ids: new Set(), required };
    return {
      number: this.#calls++,
      field: root.name,
      arguments: required,
      given: given.map((each) => printed(each, context)).join(' '),
      ...select(context),
      variables: context.variables,
      type: this.source.types.get(root.namedType)?.name,
    };
  }

  /** A field that is made of values: `@from` or `@derive`. */
  made(field: SourceField, { key, node, selections }: SelectedField): Made {
    const { types, roots } = this.source;
    if (field.from === undefined) {
      const typename = types.get(field.namedType)?.graphName ?? field.namedType;
      const entity = this.entity(selections, true);
      return { kind: 'link', key, evaluate: compileSelectionMap(field.derived!), typename, entity };
    }
    const root = types.get(roots.query!)!.fields.get(field.from)!;
    const args = [...field.arguments.values()].flatMap(({ name, type, require }) =>
      require === undefined ? [] : [this.argument(name, type, require)],
    );
    const type = types.get(root.namedType);
    const call = this.call(root, args, node.arguments ?? [], (context) =>
      type === undefined
        ? { text: '', form: noForm }
        : this.select(selections, type, { ...context, required: undefined }),
    );
    return { kind: 'call', key, call };
  }

  argument(name: string | undefined, type: TypeNode, map: SelectionMap): CallArgument {
    const toArgument = compileArgument(map, type, this.source);
    const text = typeText(type);
    return { name, type: text, toArgument, isRequired: text.endsWith('!') };
  }

  #field(
    { key, name, node, selections }: SelectedField,
    type: SourceType,
    field: SourceField | undefined,
    context: TextContext,
  ): { readonly text: string; readonly member: Member | undefined } {
    const directives = (node.directives ?? []).filter((each) => !conditions.has(each.name.value));
    const args = [
      ...(node.arguments ?? []).map((each) => printed(each, context)),
      ...(field === undefined ? [] : this.#requiredOf(field, context)),
    ];
    const text = [
      key === name ? name : `${key}:${name}`,
      ...(args.length === 0 ? [] : [`(${args.join(' ')})`]),
      ...directives.map((each) => printed(each, context)),
    ].join('');
    if (name === '__typename') {
      const names = [type.name, ...type.possibleTypes];
      const isRenamed = names.some((each) => this.source.types.get(each)?.graphName !== each);
      return { text, member: isRenamed ? 'typename' : undefined };
    }
    const below = this.source.types.get(field?.namedType ?? '');
    if (below === undefined) {
      const isId = field?.namedType === 'ID';
      if (isId) context.ids.add(key);
      return { text, member: isId ? 'id' : undefined };
    }
    const child = this.select(selections, below, { ...context, required: undefined });
    const member = child.form === noForm ? undefined : child.form;
    return { text: `${text}{${child.text === '' ? '__typename' : child.text}}`, member };
  }

  /** Whether a field of an object must be looked up, and can be. */
  #isMissing(
    type: SourceType,
    name: string,
    field: SourceField | undefined,
    { required }: TextContext,
  ): boolean {
    if (field === undefined || type.kind !== 'object') return false;
    const isGiven = this.has(type, field) && (required !== undefined || mapsOf(field).length === 0);
    return !isGiven && this.#lookupsAt(type, [{ name }]).length > 0;
  }

  /** The lookups of what a type lacks whose key it has. */
  #lookupsAt(type: SourceType, fields: readonly Pick<SelectedField, 'name'>[]): readonly Lookup[] {
    return this.lookupsOf(type.graphName, fields).filter(({ arguments: args }) =>
      fieldsIn(args.map(({ map }) => map)).every(({ name }) => isPlain(type, name.value)),
    );
  }

  *#requiredOf({ arguments: args }: SourceField, { required }: TextContext): Iterable<string> {
    for (const { name, type, require } of args.values())
      if (require !== undefined && required !== undefined) {
        yield `${name}:$_${slotMark}_${required.length}`;
        required.push(this.argument(undefined, type, require));
      }
  }

  /** One for each field of a type. */
  #aliasOf({ name }: SourceType, field: FieldNode): string {
    const text = `${name}.${fieldText(field)}`;
    let alias = this.#aliases.get(text);
    if (alias === undefined) this.#aliases.set(text, (alias = `_d${this.#aliases.size}`));
    return alias;
  }
}

type Made = Omit<LinkField, 'needs'> | Omit<CallField, 'needs'>;

/** The form of objects of all types, undefined where they differ in more than members that only some of them have. */
function mergedForm(forms: readonly Form[]): Form | undefined {
  const members = new Map<string, Member>();
  for (const form of forms) {
    if (form.made.length > 0) return undefined;
    for (const [name, member] of form.members) {
      if ((members.get(name) ?? member) !== member) return undefined;
      members.set(name, member);
    }
  }
  return formOf(members);
}

function printed(node: ArgumentNode | DirectiveNode, { variables }: TextContext): string {
  visit(node, {
    Variable: ({ name }) => {
      variables.add(name.value);
    },
  });
  return stripIgnoredCharacters(print(node));
}
