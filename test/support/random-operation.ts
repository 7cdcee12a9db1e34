/**
 * Operations drawn at random from a schema: valid ones, with everything in them that a client may write.
 *
 * Over 300 lines: a method for each thing that may be written.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  NoUnusedVariablesRule,
  OverlappingFieldsCanBeMergedRule,
  parse,
  PossibleFragmentSpreadsRule,
  VariablesInAllowedPositionRule,
  type DocumentNode,
  type GraphQLAbstractType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  GraphQLNonNull,
  type GraphQLSchema,
} from 'graphql';
import { fastValidate } from './fast-validate';
import { type RandomSource } from './random-source';

export interface RandomOperation {
  readonly document: DocumentNode;
  /** GraphQL text. */
  readonly source: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Given where the document has more than one operation. */
  readonly operationName?: string | undefined;
  /** Of a subscription: names the event that is answered. */
  readonly event?: string | undefined;
}

export function randomOperation(schema: GraphQLSchema, random: RandomSource): RandomOperation {
  for (let attempt = 0; attempt < 50; attempt++) {
    const draft = new OperationDraft(schema, random, attempt);
    const source = draft.print();
    const document = parse(source, { noLocation: true });
    // Selections that do not merge are drawn now and then: then another is drawn.
    if (fastValidate(schema, document, rules).length === 0)
      return { document, source, variables: draft.variables, operationName: draft.operationName };
  }
  throw new Error(`No valid operation was found (seed ${random.seed})`);
}

/** What a draft may break; the rest holds by how it is drawn. */
const rules = [
  NoUnusedVariablesRule,
  OverlappingFieldsCanBeMergedRule,
  PossibleFragmentSpreadsRule,
  VariablesInAllowedPositionRule,
];

const leavesOf = (type: GraphQLCompositeType): GraphQLField<unknown, unknown>[] =>
  'getFields' in type
    ? Object.values(type.getFields()).filter((field) => !isCompositeType(getNamedType(field.type)))
    : [];

/** Names that are somebody's property somewhere. */
const strangeNames = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '_',
  'data',
  'errors',
  'length',
];

class OperationDraft {
  readonly variables: Record<string, unknown> = {};
  operationName: string | undefined;
  readonly #schema: GraphQLSchema;
  readonly #random: RandomSource;
  /** Tries of this operation that were not valid: the next ones are plainer. */
  readonly #attempt: number;
  readonly #declarations: string[] = [];
  readonly #fragments: { name: string; type: string; text: string; leaf: boolean }[] = [];
  readonly #fieldNames: readonly string[];
  #names = 0;
  /** Composite fields that may still be entered. */
  #budget: number;
  /** How likely a selection is to be under a condition. */
  readonly #conditional: number;

  constructor(schema: GraphQLSchema, random: RandomSource, attempt: number) {
    this.#schema = schema;
    this.#random = random;
    this.#attempt = attempt;
    this.#budget = random.between(2, 9);
    this.#conditional = random.chance(0.1) ? 0.4 : 0.06;
    this.#fieldNames = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && !type.name.startsWith('__') ? Object.keys(type.getFields()) : [],
    );
  }

  print(): string {
    const random = this.#random;
    const mutation = this.#schema.getMutationType();
    const isMutation = mutation != null && random.chance(0.15);
    const root = isMutation ? mutation : this.#schema.getQueryType()!;
    const selections = this.#selectionSet(root, 0);
    const declarations = this.#declarations.length > 0 ? `(${this.#declarations.join(', ')})` : '';
    if (random.chance(0.08)) this.operationName = `Op${random.between(0, 9)}`;
    const name =
      this.operationName !== undefined || random.chance(0.5) || declarations
        ? ` ${this.operationName ?? 'Op'}`
        : '';
    const used = new Set([...selections.matchAll(/\.\.\.(F\d+)/g)].map((match) => match[1]));
    for (const fragment of [...this.#fragments].reverse())
      if (used.has(fragment.name))
        for (const match of fragment.text.matchAll(/\.\.\.(F\d+)/g)) used.add(match[1]);
    return [
      ...(this.operationName === undefined ? [] : ['query Other { __typename }']),
      `${isMutation ? 'mutation' : 'query'}${name}${declarations} ${selections}`,
      ...this.#fragments
        .filter((fragment) => used.has(fragment.name))
        .map((fragment) => `fragment ${fragment.name} on ${fragment.type} ${fragment.text}`),
    ].join('\n');
  }

  #selectionSet(type: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    const selections: string[] = [];
    for (let count = random.between(1, depth === 0 ? 4 : 3); count > 0; count--)
      selections.push(this.#selection(type, depth));
    if (random.chance(0.2))
      selections.push(random.chance(0.3) ? `${this.#alias()}: __typename` : '__typename');
    if (depth === 0 && type === this.#schema.getQueryType() && random.chance(0.05))
      selections.push(this.#introspection());
    return `{ ${random.shuffled(selections).join(' ')} }`;
  }

  #selection(type: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    if (isAbstractType(type) && random.chance(0.25)) return this.#sameName(type);
    if (isAbstractType(type) && (random.chance(0.7) || !isInterfaceType(type))) {
      const others = this.#schema
        .getPossibleTypes(type)
        .flatMap((object) => [object, ...object.getInterfaces()]);
      const overlapping = others.filter((one) => one !== type);
      if (overlapping.length > 0) return this.#fragment(random.pick(overlapping), type, depth);
    }
    if (random.chance(0.12)) return this.#fragment(type, type, depth);
    if ('getFields' in type) {
      const fields = Object.values(type.getFields());
      const deep = this.#budget > 0 && depth < 6;
      const candidates = fields.filter((field) => deep || !isCompositeType(getNamedType(field.type)));
      const composites = candidates.filter((field) => isCompositeType(getNamedType(field.type)));
      if (candidates.length > 0)
        return this.#field(
          random.pick(composites.length > 0 && random.chance(0.5) ? composites : candidates),
          depth,
        );
    }
    return '__typename';
  }

  /** One name for what two types select, at once or of the objects in a field of both. */
  #sameName(type: GraphQLAbstractType): string {
    const random = this.#random;
    const types = random.shuffled(this.#schema.getPossibleTypes(type)).slice(0, 2);
    const alias = this.#alias();
    // Conditions of one kind on fragments and on what is in them do not go on one field.
    const nested = random.chance(0.5) ? random.pick(['skip', 'include']) : undefined;
    const conditions = (): string =>
      nested === undefined
        ? this.#conditions()
        : random.chance(0.7)
          ? ` @${nested}(if: ${this.#variable('Boolean!', nested === 'include')})`
          : '';
    let wanted: string | undefined;
    const leaf = (from: GraphQLCompositeType): string => {
      const leaves = leavesOf(from);
      if (leaves.length === 0) return '__typename';
      // Those of unlike types are not valid.
      const alike = leaves.filter(({ type }) => String(type) === wanted);
      const field = random.pick(alike.length > 0 ? alike : leaves);
      wanted = String(field.type);
      return `${nested !== undefined || random.chance(0.6) ? `${alias}: ` : ''}${field.name}${this.#arguments(field.args)}${conditions()}${this.#directive('note')}`;
    };
    const [first = [], second] = types.map((one) => Object.values(one.getFields()));
    const common = first.filter(
      ({ name, type, args }) =>
        args.length === 0 &&
        isCompositeType(getNamedType(type)) &&
        second?.some((other) => other.name === name && other.args.length === 0),
    );
    const field = common.length > 0 && random.chance(0.7) ? random.pick(common) : undefined;
    if (types.length === 0) return '__typename';
    return types
      .map((one) => {
        const selected = field
          ? `${field.name} { ${leaf(getNamedType(one.getFields()[field.name]!.type) as GraphQLCompositeType)} }`
          : leaf(one);
        return `... on ${one.name}${conditions()}${this.#directive('part')} { ${selected} }`;
      })
      .join(' ');
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const random = this.#random;
    const args = this.#arguments(field.args);
    const mustAlias = args !== '' || field.args.length > 0;
    const aliased = (mustAlias && random.chance(this.#attempt > 5 ? 1 : 0.8)) || random.chance(0.2);
    const named = getNamedType(field.type);
    const head = `${aliased ? `${this.#alias()}: ` : ''}${field.name}${args}`;
    const text = `${head}${this.#conditions()}${this.#directive('note')}`;
    if (!isCompositeType(named)) return text;
    this.#budget--;
    const once = `${text} ${this.#selectionSet(named, depth + 1)}`;
    if (!random.chance(0.15)) return once;
    // The same field again, with conditions of its own and more of its objects: much that may require something.
    const leaves = leavesOf(named).filter(({ args }) => args.length === 0);
    const more =
      leaves.length > 0 && random.chance(0.6)
        ? `{ ${random
            .some(leaves, 4)
            .map(({ name }) => name)
            .join(' ')} }`
        : this.#selectionSet(named, depth + 1);
    return `${once} ${head}${this.#conditions(0.5)} ${more}`;
  }

  #alias(): string {
    const random = this.#random;
    if (random.chance(0.03)) return random.pick(strangeNames);
    // The name of some other field, maybe of one that the planner needs for itself.
    if (random.chance(0.06) && this.#attempt < 10) return random.pick(this.#fieldNames);
    // A name that occurs again merges the selections where they are of the same field, and is invalid elsewhere.
    return random.chance(0.04) && this.#attempt < 5
      ? `a${random.between(0, this.#names)}`
      : `a${++this.#names}`;
  }

  #fragment(type: GraphQLCompositeType, parent: GraphQLCompositeType, depth: number): string {
    const random = this.#random;
    if (random.chance(0.3)) {
      const known = this.#fragments.filter(
        (fragment) => fragment.type === type.name && (fragment.leaf || this.#budget > 0),
      );
      if (known.length > 0)
        return `...${random.pick(known).name}${this.#conditions()}${this.#directive('part')}`;
      const before = this.#budget;
      const text = this.#selectionSet(type, depth + 1);
      const name = `F${this.#fragments.length}`;
      this.#fragments.push({ name, type: type.name, text, leaf: this.#budget === before });
      return `...${name}${this.#conditions()}${this.#directive('part')}`;
    }
    const condition = type === parent && random.chance(0.3) ? '' : ` on ${type.name}`;
    return `...${condition}${this.#conditions()}${this.#directive('part')} ${this.#selectionSet(type, depth + 1)}`;
  }

  #conditions(chance = this.#conditional): string {
    const random = this.#random;
    let text = '';
    for (const name of ['skip', 'include']) {
      if (!random.chance(chance)) continue;
      const value = random.chance(name === 'skip' ? 0.4 : 0.7);
      text += ` @${name}(if: ${random.chance(0.6) ? this.#variable('Boolean!', value, random.chance(0.3) ? String(!value) : undefined) : value})`;
    }
    return text;
  }

  /** One that is for subgraphs, where they define it. */
  #directive(name: string): string {
    if (!this.#schema.getDirective(name) || !this.#random.chance(0.1)) return '';
    const text = this.#random.chance(0.5) ? `(text: ${this.#variable('String', 'x')})` : '';
    return ` @${name}${text}`;
  }

  #introspection(): string {
    const random = this.#random;
    const types = Object.keys(this.#schema.getTypeMap());
    return random.pick([
      '__schema { queryType { name } directives { name } }',
      `${this.#alias()}: __type(name: ${JSON.stringify(random.pick(types))}) { kind name possibleTypes { name } fields(includeDeprecated: true) { name type { kind ofType { name } } } }`,
      `__type(name: ${this.#variable('String!', random.pick([...types, 'Nothing']))}) { __typename enumValues { name } }`,
      '__schema { types { name inputFields { name defaultValue } } }',
    ]);
  }

  #arguments(args: readonly GraphQLArgument[]): string {
    const random = this.#random;
    const given = args.flatMap((argument) => {
      const isRequired = isNonNullType(argument.type) && argument.defaultValue === undefined;
      if (!isRequired && random.chance(0.35)) return [];
      return [`${argument.name}: ${this.#argument(argument.type, argument.defaultValue !== undefined)}`];
    });
    return given.length > 0 ? `(${given.join(', ')})` : '';
  }

  #argument(type: GraphQLInputType, hasDefault: boolean): string {
    const random = this.#random;
    if (!random.chance(0.35)) return this.#literal(type, 0, random.chance(0.25));
    const value = this.#value(type, 0);
    if (isNonNullType(type)) {
      // Where the place has a default, a variable that may be absent is allowed.
      if (hasDefault && random.chance(0.3))
        return this.#variable(String(type.ofType), random.chance(0.5) ? undefined : (value ?? undefined));
      return this.#variable(String(type), value);
    }
    if (random.chance(0.2)) return this.#variable(String(type), undefined);
    if (random.chance(0.2))
      return this.#variable(
        String(type),
        random.chance(0.5) ? undefined : value,
        this.#literal(type, 0, false),
      );
    return this.#variable(String(type), value);
  }

  /** Declares a variable; an undefined value leaves it out. */
  #variable(type: string, value: unknown, fallback?: string): string {
    const name = `v${this.#declarations.length}`;
    this.#declarations.push(`$${name}: ${type}${fallback === undefined ? '' : ` = ${fallback}`}`);
    if (value !== undefined) this.variables[name] = value;
    return `$${name}`;
  }

  /** @param withVariables whether parts of the value may be variables. */
  #literal(type: GraphQLInputType, depth: number, withVariables: boolean): string {
    const random = this.#random;
    if (isNonNullType(type))
      return this.#literal(type.ofType, depth, withVariables) === 'null'
        ? this.#literalOf(type.ofType, depth, false)
        : this.#literalOf(type.ofType, depth, withVariables);
    if (random.chance(0.12)) return 'null';
    return this.#literalOf(type, depth, withVariables);
  }

  #literalOf(type: GraphQLInputType, depth: number, withVariables: boolean): string {
    const random = this.#random;
    if (withVariables && depth > 0 && random.chance(0.3))
      return this.#variable(
        `${String(type).replace(/!$/, '')}!`,
        this.#value(type, depth) ?? this.#nonNull(type, depth),
      );
    if (isListType(type))
      return `[${Array.from({ length: random.between(0, 2) }, () => this.#literal(type.ofType, depth + 1, withVariables)).join(', ')}]`;
    if (isInputObjectType(type)) {
      if (type.isOneOf) {
        const { name, type: one } = random.pick(Object.values(type.getFields()));
        return `{ ${name}: ${this.#literal(new GraphQLNonNull(one), depth + 1, withVariables)} }`;
      }
      const fields = Object.values(type.getFields()).filter((field) => {
        const isRequired = isNonNullType(field.type) && field.defaultValue === undefined;
        return (
          isRequired || (random.chance(0.4) && (depth < 2 || !isInputObjectType(getNamedType(field.type))))
        );
      });
      return `{ ${fields.map((field) => `${field.name}: ${this.#literal(field.type, depth + 1, withVariables)}`).join(', ')} }`;
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    if (String(type) === 'Json')
      return random.pick(['"text"', '1', '[1, "two", { three: null }]', '{ a: { b: [true] } }', 'SYMBOL']);
    return JSON.stringify(this.#nonNull(type, depth)).replace(/\\u2028/g, '\u2028');
  }

  #value(type: GraphQLInputType, depth: number): unknown {
    if (isNonNullType(type)) return this.#nonNull(type.ofType, depth);
    return this.#random.chance(0.12) ? null : this.#nonNull(type, depth);
  }

  #nonNull(type: GraphQLInputType, depth: number): unknown {
    const random = this.#random;
    if (isNonNullType(type)) return this.#nonNull(type.ofType, depth);
    if (isListType(type)) {
      // One item stands for a list of one.
      if (random.chance(0.1) && !isListType(getNullable(type.ofType)))
        return this.#nonNull(type.ofType, depth);
      return Array.from({ length: random.between(0, 3) }, () => this.#value(type.ofType, depth + 1));
    }
    if (isInputObjectType(type)) {
      if (type.isOneOf) {
        const { name, type: one } = random.pick(Object.values(type.getFields()));
        return { [name]: this.#nonNull(one, depth + 1) };
      }
      const result: Record<string, unknown> = {};
      for (const field of Object.values(type.getFields())) {
        const isRequired = isNonNullType(field.type) && field.defaultValue === undefined;
        if (isRequired || (random.chance(0.4) && (depth < 2 || !isInputObjectType(getNamedType(field.type)))))
          result[field.name] = this.#value(field.type, depth + 1);
      }
      return result;
    }
    if (isEnumType(type)) return random.pick(type.getValues()).name;
    switch (String(type)) {
      case 'Int':
        return random.pick([0, 1, -7, 2147483647]);
      case 'Float':
        return random.pick([0.5, 3, -1e10]);
      case 'Boolean':
        return random.chance(0.5);
      case 'ID':
        return random.pick(['1', 'ü', 'p-2']);
      case 'String':
        return random.pick(['', 'text', 'quote " and \\', '日本', '👍']);
      default:
        return random.pick(['json', 5, [1, { a: null }], { deep: { er: ['✓'] } }]);
    }
  }
}

const getNullable = (type: GraphQLInputType): GraphQLInputType => (isNonNullType(type) ? type.ofType : type);
