/** Compiles selections in the graph to selections of the API. Over 300 lines: each kind of field that the overlay makes. */
import {
  type ArgumentNode,
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  stripIgnoredCharacters,
  type TypeNode,
  visit,
} from 'graphql';
import { typeText } from '../../../../schema/supergraph/sdl';
import {
  compileSelectionMap,
  fieldSetOf,
  type SelectionMap,
} from '../../../../schema/supergraph/sources/selection-map';
import type {
  SourceField,
  SourceSchema,
  SourceType,
} from '../../../../schema/supergraph/sources/source-schema';
import { compileArgument } from '../arguments';
import {
  type Form,
  formOfMember,
  type MadeField,
  mergeForms,
  mergeMembers,
  noForm,
  type RootCall,
  type Selection,
  slotMark,
  type Uses,
  type ValueForm,
} from './forms';

/** Arguments of fields of an entity that are made of its representation. */
type Required = RootCall['arguments'][number][];

/** What a selection is compiled with. */
interface SelectionContext {
  readonly uses: Uses;
  /** Collects the arguments with `@require`; undefined where there is no representation. */
  readonly required: Required | undefined;
}

export class SelectionCompiler {
  readonly source: SourceSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By their names in the graph. */
  readonly #types = new Map<string, SourceType[]>();
  readonly #renames: boolean;
  readonly #known = new Map<string, Selection>();
  #aliases = 0;
  #calls = 0;

  constructor(source: SourceSchema, fragments: readonly FragmentDefinitionNode[]) {
    this.source = source;
    this.#fragments = new Map(fragments.map((each) => [each.name.value, each]));
    for (const type of source.types.values())
      this.#types.set(type.graphName, [...(this.#types.get(type.graphName) ?? []), type]);
    this.#renames = [...source.types.values()].some(({ name, graphName }) => name !== graphName);
  }

  fragment(name: string): FragmentDefinitionNode | undefined {
    return this.#fragments.get(name);
  }

  /** The types at the source of a type of the graph: it itself, and its summaries. */
  typesOf(name: string): readonly SourceType[] {
    return this.#types.get(name) ?? [];
  }

  /** @param required collects what the fields need of a representation */
  select(selections: readonly SelectionNode[], type: SourceType, required?: Required): Selection {
    const uses: Uses = { variables: new Set(), fragments: new Map(), ids: new Set() };
    return { ...this.#all(selections, type, { uses, required }), uses };
  }

  /** A call of a root field for each set of values that its arguments are made of. */
  call(
    root: SourceField,
    args: RootCall['arguments'],
    {
      given = [],
      directives = [],
      select,
    }: {
      readonly given?: readonly ArgumentNode[];
      readonly directives?: readonly DirectiveNode[];
      readonly select: (required: Required) => Selection;
    },
  ): RootCall {
    const required = [...args];
    const selection = select(required);
    return {
      number: this.#calls++,
      field: root.name,
      arguments: required,
      given: given.map((each) => this.#print(each, selection.uses)).join(' '),
      directives: this.#directives(directives, selection.uses),
      selection,
      type: this.source.types.get(root.namedType)?.name,
    };
  }

  /** A field that is made of values: `@from` or `@derive`. @param directives around it and at it */
  made(field: SourceField, node: FieldNode, directives: readonly DirectiveNode[]): MadeField {
    const key = node.alias?.value ?? node.name.value;
    const selections = node.selectionSet?.selections ?? [];
    if (field.from === undefined) {
      const evaluate = compileSelectionMap(field.derived!);
      return { kind: 'link', key, evaluate, form: this.values(selections, field.namedType) };
    }
    const root = this.source.types.get(this.source.roots.query ?? '')!.fields.get(field.from)!;
    const args = [...field.arguments.values()].flatMap(({ name, type, require }) =>
      require === undefined ? [] : [this.argument(name, type, require)],
    );
    const type = this.source.types.get(root.namedType);
    const select = (): Selection => (type === undefined ? noSelection() : this.select(selections, type));
    const call = this.call(root, args, { given: node.arguments ?? [], directives, select });
    return { kind: 'call', key, call };
  }

  /** What is selected of an object of which there are values. @param type its name at the source, or of another subgraph */
  values(selections: readonly SelectionNode[], type: string): ValueForm {
    const own = this.source.types.get(type);
    const typename = own?.graphName ?? type;
    const members = selections.flatMap((node): ValueForm['members'] => {
      if (node.kind !== Kind.FIELD) {
        const { selectionSet, typeCondition } =
          node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value)!;
        const on = typeCondition?.name.value;
        return on === undefined || this.isOf(typename, on)
          ? this.values(selectionSet.selections, type).members
          : [];
      }
      const name = node.name.value;
      const key = node.alias?.value ?? name;
      if (name === '__typename') return [{ kind: 'typename', key, name, isId: false, form: undefined }];
      const field = own?.fields.get(name);
      if (field?.derived !== undefined || field?.from !== undefined) return [this.made(field, node, [])];
      const form = node.selectionSet && this.values(node.selectionSet.selections, field?.namedType ?? '');
      return [{ kind: 'value', key, name, isId: field?.namedType === 'ID', form }];
    });
    return { typename, members: mergeMembers(members) };
  }

  argument(name: string | undefined, type: TypeNode, map: SelectionMap): RootCall['arguments'][number] {
    const isRequired = type.kind === Kind.NON_NULL_TYPE;
    return { name, type: typeText(type), toArgument: compileArgument(map, type, this.source), isRequired };
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

  #all(
    selections: readonly SelectionNode[],
    type: SourceType,
    context: SelectionContext,
  ): Omit<Selection, 'uses'> {
    const texts: string[] = [];
    let form = noForm;
    const add = (part: Omit<Selection, 'uses'>, before = '', after = ''): void => {
      if (part.text !== '') texts.push(`${before}${part.text}${after}`);
      form = mergeForms(form, part.form);
    };
    for (const node of selections) {
      if (node.kind === Kind.FIELD) {
        add(this.#field(node, type, context));
        continue;
      }
      const directives = this.#directives(node.directives, context.uses).join('');
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : this.#fragments.get(node.name.value)!;
      const on = fragment.typeCondition?.name.value;
      for (const target of on === undefined ? [type] : this.#targets(on, type)) {
        if (node.kind === Kind.INLINE_FRAGMENT || context.required !== undefined) {
          const head = target === type ? '...' : `...on ${target.name}`;
          add(this.#all(fragment.selectionSet.selections, target, context), `${head}${directives}{`, '}');
        } else add(this.#spread(node.name.value, target, context), '...', directives);
      }
    }
    return { text: texts.join(' '), form };
  }

  /** What a fragment on a type of the graph is on, at the source. */
  #targets(on: string, { graphName, name, possibleTypes }: SourceType): readonly SourceType[] {
    const all = this.typesOf(on);
    const same = on === graphName ? all.filter((each) => each.name === name) : [];
    if (same.length > 0) return same;
    return all.filter((each) => each.possibleTypes.some((one) => possibleTypes.includes(one)));
  }

  /** Each named fragment becomes one for each type that it is used on. */
  #spread(name: string, type: SourceType, { uses, required }: SelectionContext): Omit<Selection, 'uses'> {
    const { selectionSet } = this.#fragments.get(name)!;
    const key = `${name}_${type.name}`;
    let known = this.#known.get(key);
    if (known === undefined)
      this.#known.set(key, (known = this.select(selectionSet.selections, type, required)));
    uses.fragments.set(key, `fragment ${key} on ${type.name}{${known.text}}`);
    for (const each of known.uses.variables) uses.variables.add(each);
    for (const each of known.uses.ids) uses.ids.add(each);
    for (const [each, text] of known.uses.fragments) uses.fragments.set(each, text);
    return { text: key, form: known.form };
  }

  #field(node: FieldNode, type: SourceType, context: SelectionContext): Omit<Selection, 'uses'> {
    const { name, alias, selectionSet } = node;
    const key = alias?.value ?? name.value;
    const directives = this.#directives(node.directives, context.uses);
    const head = alias === undefined ? name.value : `${key}:${name.value}`;
    if (name.value === '__typename') {
      const form = this.#renames ? formOfMember(key, { kind: 'typename' }) : noForm;
      return { text: `${head}${directives.join('')}`, form };
    }
    // What is made of a summary's values may be declared at its entity.
    const field =
      type.fields.get(name.value) ?? this.source.types.get(type.graphName)?.fields.get(name.value);
    if (field?.derived !== undefined || field?.from !== undefined)
      return this.#made(field, node, type, directives.join(''), context.uses);
    const args = [
      ...(node.arguments ?? []).map((each) => this.#print(each, context.uses)),
      ...(field === undefined ? [] : this.#requiredOf(field, context)),
    ];
    const text = `${head}${args.length === 0 ? '' : `(${args.join(' ')})`}${directives.join('')}`;
    const below = this.source.types.get(field?.namedType ?? '');
    if (selectionSet !== undefined && below !== undefined) {
      const child = this.#all(selectionSet.selections, below, { ...context, required: undefined });
      const form = child.form === noForm ? noForm : formOfMember(key, { kind: 'object', form: child.form });
      return { text: `${text}{${child.text === '' ? '__typename' : child.text}}`, form };
    }
    if (field?.namedType !== 'ID') return { text, form: noForm };
    context.uses.ids.add(key);
    return { text, form: formOfMember(key, { kind: 'id' }) };
  }

  /** Selects what a field is made of. */
  #made(
    field: SourceField,
    node: FieldNode,
    type: SourceType,
    directives: string,
    uses: Uses,
  ): Omit<Selection, 'uses'> {
    const needs = new Map<string, string>();
    const texts: string[] = [];
    let form: Form = noForm;
    const made = this.made(field, node, []);
    for (const need of fieldsIn(mapsOf(field))) {
      const alias = `_d${this.#aliases++}`;
      needs.set(alias, need.name.value);
      texts.push(`${alias}:${fieldText(need, directives)}`);
      if (type.fields.get(need.name.value)?.namedType === 'ID') uses.ids.add(alias);
      form = mergeForms(form, formOfMember(alias, { kind: 'need', of: made.key }));
    }
    return { text: texts.join(' '), form: { ...form, made: [{ field: made, needs }], isChanged: true } };
  }

  *#requiredOf({ arguments: args }: SourceField, { required }: SelectionContext): Iterable<string> {
    for (const { name, type, require } of args.values())
      if (require !== undefined && required !== undefined) {
        yield `${name}:$_${slotMark}_${required.length}`;
        required.push(this.argument(undefined, type, require));
      }
  }

  #directives(nodes: readonly DirectiveNode[] = [], uses: Uses): string[] {
    return nodes.map((node) => this.#print(node, uses));
  }

  #print(node: ArgumentNode | DirectiveNode, { variables }: Uses): string {
    visit(node, {
      Variable: ({ name }) => {
        variables.add(name.value);
      },
    });
    return stripIgnoredCharacters(print(node));
  }
}

export const noSelection = (): Selection => ({
  text: '',
  form: noForm,
  uses: { variables: new Set(), fragments: new Map(), ids: new Set() },
});

/** What a field with `@from` or `@derive` is made of. */
export const mapsOf = ({ derived, arguments: args }: SourceField): readonly SelectionMap[] =>
  derived === undefined ? [...args.values()].flatMap(({ require }) => require ?? []) : [derived];

/** The fields that maps need of their object. */
export function fieldsIn(maps: readonly SelectionMap[]): readonly FieldNode[] {
  const set = fieldSetOf(maps);
  if (set === '') return [];
  const [operation] = parse(`{${set}}`, { noLocation: true }).definitions;
  const fields = (selections: readonly SelectionNode[]): FieldNode[] =>
    selections.flatMap((node) =>
      node.kind === Kind.FIELD
        ? [node]
        : node.kind === Kind.INLINE_FRAGMENT
          ? fields(node.selectionSet.selections)
          : [],
    );
  return fields((operation as OperationDefinitionNode).selectionSet.selections);
}

/** A field without arguments, as text. */
export const fieldText = ({ name, selectionSet }: FieldNode, directives = ''): string =>
  `${name.value}${directives}${selectionSet === undefined ? '' : stripIgnoredCharacters(print(selectionSet))}`;
