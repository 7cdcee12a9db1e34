/**
 * Directives of authorisation on random subgraphs, and the slow, obvious reading of them: an element is seen by who
 * meets what every subgraph says of it.
 *
 * It reads the subgraphs' texts only, and knows nothing of what composition or the gateway make of them. Over 300 lines:
 * graphs are made and read by the same rules.
 */
import {
  type ASTNode,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  type ScalarTypeDefinitionNode,
  type SelectionSetNode,
  type TypeNode,
  valueFromASTUntyped,
  visit,
} from 'graphql';
import { type RandomSource } from '../support/random-source';
import { type SubgraphSource } from '../support/random-world';

/** What somebody has. */
export interface Rights {
  readonly isAuthenticated: boolean;
  readonly scopes: readonly string[];
  readonly policies: readonly string[];
  /** `Type.field` */
  readonly denied: readonly string[];
}

/** In one subgraph: ways of which one suffices; of several subgraphs, all count. */
interface Asked {
  isAuthenticated: boolean;
  scopes: string[][];
  policies: string[][];
}

export const scopeNames = ['read', 'write', 'admin'];
export const policyNames = ['staff', 'owner'];

export interface ProtectOptions {
  /** Whether what keys are made of is protected, too. */
  readonly keys: boolean;
}

/** The same subgraphs with directives on some of their elements. */
export function protect(
  subgraphs: readonly SubgraphSource[],
  random: RandomSource,
  options: ProtectOptions,
): SubgraphSource[] {
  const names = random.chance(0.4)
    ? { authenticated: 'signedIn', requiresScopes: 'needs', policy: 'rule' }
    : { authenticated: 'authenticated', requiresScopes: 'requiresScopes', policy: 'policy' };
  const keys = new Set(
    subgraphs.flatMap(({ typeDefs }) =>
      typesOf(typeDefs).flatMap(({ name, directives }) =>
        directivesNamed(directives, 'key').flatMap(({ fields }) =>
          [...String(fields).matchAll(/\w+/g)].map(([field]) => `${name}.${field}`),
        ),
      ),
    ),
  );
  const drawn = new Map<string, Asked>();
  const draw = (chance: number): Asked | undefined => {
    if (!random.chance(chance)) return undefined;
    const ways = (all: readonly string[]): string[][] =>
      random.chance(0.5)
        ? []
        : Array.from({ length: random.between(1, 2) }, () => random.some(all, random.between(1, 2)));
    const asked = {
      isAuthenticated: random.chance(0.5),
      scopes: ways(scopeNames),
      policies: ways(policyNames),
    };
    return asked.isAuthenticated || asked.scopes.length > 0 || asked.policies.length > 0
      ? asked
      : { ...asked, isAuthenticated: true };
  };
  for (const { name, typeDefs } of subgraphs)
    for (const type of typesOf(typeDefs)) {
      if (type.kind === Kind.UNION_TYPE_DEFINITION || type.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION)
        continue;
      if (type.kind === Kind.INTERFACE_TYPE_DEFINITION) continue;
      const isInterfaceObject = directivesNamed(type.directives, 'interfaceObject').length > 0;
      const isRoot = type.name === 'Query' || type.name === 'Mutation';
      const own = isInterfaceObject || type.name.endsWith('Org') ? undefined : draw(isRoot ? 0.02 : 0.12);
      if (own) drawn.set(`${name} ${type.name}`, own);
      for (const field of type.fields) {
        const coordinate = `${type.name}.${field.name.value}`;
        const isExternal = directivesNamed(field.directives, 'external').length > 0;
        const isKey = keys.has(coordinate) || type.name.endsWith('Org');
        const asked = isExternal || (isKey && !options.keys) ? undefined : draw(0.15);
        if (asked) drawn.set(`${name} ${coordinate}`, asked);
      }
    }
  // Composition wants a field to ask for all that what it is made of asks for.
  for (let round = 0; round < 3; round++) cover(subgraphs, drawn);

  return subgraphs.map(({ name, typeDefs }) => {
    const directives = (coordinate: string): ConstDirectiveNode[] => {
      const asked = drawn.get(`${name} ${coordinate}`);
      if (asked === undefined) return [];
      return [
        ...(asked.isAuthenticated ? [directive(`@${names.authenticated}`)] : []),
        ...(asked.scopes.length > 0
          ? [directive(`@${names.requiresScopes}(scopes: ${JSON.stringify(asked.scopes)})`)]
          : []),
        ...(asked.policies.length > 0
          ? [directive(`@${names.policy}(policies: ${JSON.stringify(asked.policies)})`)]
          : []),
      ];
    };
    const withDirectives = (node: ASTNode, coordinate: string): ASTNode => ({
      ...(node as ObjectTypeDefinitionNode),
      directives: [...((node as ObjectTypeDefinitionNode).directives ?? []), ...directives(coordinate)],
    });
    const document = visit(parse(typeDefs, { noLocation: true }), {
      ObjectTypeDefinition: (node) => ({
        ...withDirectives(node, node.name.value),
        fields: node.fields?.map((field) => withDirectives(field, `${node.name.value}.${field.name.value}`)),
      }),
      EnumTypeDefinition: (node) => withDirectives(node, node.name.value),
      ScalarTypeDefinition: (node) => withDirectives(node, node.name.value),
    });
    const imports = Object.entries(names).map(([own, as]) =>
      own === as ? `"@${own}"` : `{ name: "@${own}", as: "@${as}" }`,
    );
    return { name, typeDefs: print(document).replace('import: [', `import: [${imports.join(', ')}, `) };
  });
}

function directive(text: string): ConstDirectiveNode {
  const [definition] = parse(`scalar A ${text}`, { noLocation: true }).definitions;
  return (definition as ScalarTypeDefinitionNode).directives![0]!;
}

/** Adds to fields what the fields that they require ask for, and the types of these. */
function cover(subgraphs: readonly SubgraphSource[], drawn: Map<string, Asked>): void {
  const all = subgraphs.map(({ name, typeDefs }) => ({ name, types: typesOf(typeDefs) }));
  const fieldsOf = (coordinate: string) =>
    all.flatMap(({ name }) => drawn.get(`${name} ${coordinate}`) ?? []);
  for (const { name, types } of all)
    for (const type of types)
      for (const field of type.fields) {
        const needed = madeOf(
          all.map((one) => one.types),
          type.name,
          field,
        ).flatMap(fieldsOf);
        if (needed.length === 0) continue;
        const key = `${name} ${type.name}.${field.name.value}`;
        drawn.set(key, [drawn.get(key) ?? nothing, ...needed].reduce(both));
      }
}

const nothing: Asked = { isAuthenticated: false, scopes: [], policies: [] };

const both = (a: Asked, b: Asked): Asked => ({
  isAuthenticated: a.isAuthenticated || b.isAuthenticated,
  scopes: waysOfBoth(a.scopes, b.scopes),
  policies: waysOfBoth(a.policies, b.policies),
});

function waysOfBoth(a: string[][], b: string[][]): string[][] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const ways = a.flatMap((one) => b.map((other) => [...new Set([...one, ...other])].sort()));
  return [...new Map(ways.map((way) => [way.join(), way])).values()];
}

interface Type {
  readonly kind: Kind;
  readonly name: string;
  readonly directives: readonly ConstDirectiveNode[];
  readonly fields: readonly FieldDefinitionNode[];
}

function typesOf(typeDefs: string): Type[] {
  return parse(typeDefs, { noLocation: true }).definitions.flatMap((definition) => {
    if (definition.kind === Kind.SCHEMA_EXTENSION || !('name' in definition)) return [];
    const { kind, name, directives = [] } = definition as ObjectTypeDefinitionNode;
    const fields =
      'fields' in definition && kind !== (Kind.INPUT_OBJECT_TYPE_DEFINITION as Kind)
        ? (definition.fields as readonly FieldDefinitionNode[])
        : [];
    return [{ kind, name: name.value, directives, fields }];
  });
}

function directivesNamed(
  directives: readonly ConstDirectiveNode[] = [],
  ...names: string[]
): Record<string, unknown>[] {
  return directives.flatMap((one) =>
    names.includes(one.name.value)
      ? [
          Object.fromEntries(
            (one.arguments ?? []).map(({ name, value }) => [name.value, valueFromASTUntyped(value)]),
          ),
        ]
      : [],
  );
}

/** The types and fields of which a field is made: what it requires, what its arguments take from objects around. */
function madeOf(graphs: readonly (readonly Type[])[], type: string, field: FieldDefinitionNode): string[] {
  const types = graphs.flat();
  const found: string[] = [];
  for (const { fields } of directivesNamed(field.directives, 'requires'))
    select(`{ ${String(fields)} }`, type);
  for (const argument of field.arguments ?? [])
    for (const from of directivesNamed(argument.directives, 'fromContext')) {
      const [, context, selection] = /^\$(\w+)\s*(\{.*)$/.exec(String(from['field']))!;
      for (const one of types)
        if (directivesNamed(one.directives, 'context').some(({ name }) => name === context)) {
          found.push(one.name);
          select(selection!, one.name);
        }
    }
  return found;

  function select(selection: string, on: string): void {
    const [definition] = parse(selection).definitions;
    follow((definition as { selectionSet: SelectionSetNode }).selectionSet, on);
  }

  function follow({ selections }: SelectionSetNode, on: string): void {
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) continue;
      const own = types
        .filter(({ name }) => name === on)
        .flatMap(({ fields }) => fields)
        .find(({ name }) => name.value === selection.name.value)!;
      found.push(`${on}.${own.name.value}`, bare(own.type));
      if (selection.selectionSet) follow(selection.selectionSet, bare(own.type));
    }
  }
}

function bare(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : bare(type.type);
}

/** What somebody with some rights may see of protected subgraphs. */
export class Sight {
  readonly #graphs: Type[][];
  readonly #schema: GraphQLSchema;
  readonly #rights: Rights;

  constructor(subgraphs: readonly SubgraphSource[], schema: GraphQLSchema, rights: Rights) {
    this.#graphs = subgraphs.map(({ typeDefs }) => typesOf(typeDefs));
    this.#schema = schema;
    this.#rights = rights;
  }

  seesType(name: string): boolean {
    const type = this.#schema.getType(name);
    if (isAbstractType(type)) {
      const objects = this.#schema.getPossibleTypes(type).map((object) => this.seesType(object.name));
      return isInterfaceType(type)
        ? objects.every((sees) => sees)
        : objects.length === 0 || objects.some((sees) => sees);
    }
    return this.#types(name).every(({ directives }) => this.#meets(directives));
  }

  seesField(name: string, field: string): boolean {
    if (field.startsWith('__')) return true;
    const type = this.#schema.getType(name);
    const interfaces = isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [];
    const names = [name, ...interfaces.map((one) => one.name)];
    if (names.some((one) => this.#rights.denied.includes(`${one}.${field}`))) return false;
    const declared = this.#declared(name, field);
    const types = new Set(declared.map((one) => bare(one.type)));
    return (
      this.seesType(name) &&
      [...types].every((one) => this.seesType(one)) &&
      this.#meetsField(name, field) &&
      declared.every((one) =>
        madeOf(this.#graphs, name, one).every((source) =>
          source.includes('.')
            ? this.seesField(...(source.split('.') as [string, string]))
            : this.seesType(source),
        ),
      )
    );
  }

  #meetsField(name: string, field: string): boolean {
    const type = this.#schema.getType(name);
    const all = isInterfaceType(type)
      ? [name, ...this.#schema.getPossibleTypes(type).map((object) => object.name)]
      : [name];
    return all.every((one) =>
      this.#declared(one, field).every(({ directives }) => this.#meets(directives ?? [])),
    );
  }

  /** Where the subgraphs declare the field, of the type itself or of the interface object that stands for it. */
  #declared(name: string, field: string): FieldDefinitionNode[] {
    const type = this.#schema.getType(name);
    const interfaces = isObjectType(type) ? type.getInterfaces().map((one) => one.name) : [];
    const own = [
      ...this.#types(name),
      ...interfaces.flatMap((one) =>
        this.#types(one).filter(
          ({ directives }) => directivesNamed(directives, 'interfaceObject').length > 0,
        ),
      ),
    ];
    return own.flatMap(({ fields }) => fields.filter((one) => one.name.value === field));
  }

  #types(name: string): Type[] {
    return this.#graphs.flat().filter((one) => one.name === name);
  }

  #meets(directives: readonly ConstDirectiveNode[]): boolean {
    const { isAuthenticated, scopes, policies } = this.#rights;
    const isAny = (ways: unknown, has: readonly string[]): boolean =>
      (ways as string[][]).some((way) => way.every((one) => has.includes(one)));
    return (
      (isAuthenticated || directivesNamed(directives, 'authenticated', 'signedIn').length === 0) &&
      directivesNamed(directives, 'requiresScopes', 'needs').every((one) => isAny(one['scopes'], scopes)) &&
      directivesNamed(directives, 'policy', 'rule').every((one) => isAny(one['policies'], policies))
    );
  }
}

/**
 * Fields that may be denied by name: of the API schema. Without keys, and what interface objects have of single
 * implementations, if what is left is to be exact: what is had by way of these is refused, too.
 */
export function deniableFields(
  subgraphs: readonly SubgraphSource[],
  schema: GraphQLSchema,
  { isExact }: { readonly isExact: boolean },
): string[] {
  const types = subgraphs.flatMap(({ typeDefs }) => typesOf(typeDefs));
  const keys = new Set(
    types.flatMap(({ directives }) =>
      directivesNamed(directives, 'key').flatMap(({ fields }) => String(fields).match(/\w+/g) ?? []),
    ),
  );
  const ofInterfaceObjects = new Set(
    types.flatMap(({ directives, fields }) =>
      directivesNamed(directives, 'interfaceObject').length > 0 ? fields.map(({ name }) => name.value) : [],
    ),
  );
  return Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!(isObjectType(type) || isInterfaceType(type)) || type.name.startsWith('__')) return [];
    const all = Object.keys(type.getFields());
    const exact = all.filter(
      (field) => !keys.has(field) && !(isObjectType(type) && ofInterfaceObjects.has(field)),
    );
    return (isExact ? exact : all).map((field) => `${type.name}.${field}`);
  });
}
