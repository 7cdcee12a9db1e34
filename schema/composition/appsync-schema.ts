import {
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InputObjectTypeDefinitionNode,
  Kind,
  type NamedTypeNode,
  type ObjectTypeDefinitionNode,
  type ObjectTypeExtensionNode,
  parse,
  type SelectionSetNode,
  type TypeNode,
  visit,
} from 'graphql';

/** A field that `_Any` of an AppSync API must have and lacks. */
export interface MissingField {
  readonly message: string;
  /** Offset in the schema of the input object that lacks the field. */
  readonly offset: number;
}

export interface AppSyncSchema {
  readonly document: DocumentNode;
  readonly missing: readonly MissingField[];
}

/**
 * Converts the schema of an AppSync API for composition. Declares AWS's scalars, and removes AWS's directives
 * (`@aws_api_key` …) and the definitions that Federation needs in AppSync, where `_Any` is an input object. Other
 * schemas are not changed.
 */
export function readAppSync(document: DocumentNode): AppSyncSchema {
  const declared = namesOf(document, isTypeDefinition);
  const directives = namesOf(document, ({ kind }) => kind === Kind.DIRECTIVE_DEFINITION);
  const any = inputs(document).find(({ name }) => name.value === '_Any');
  const dropped = any === undefined ? new Set<string>() : ownInputs(any, document);

  const used = new Set<string>();
  const cleaned = visit(document, {
    Directive: ({ name }) =>
      name.value.startsWith('aws_') && !directives.has(name.value) ? null : undefined,
    NamedType: ({ name }) => void used.add(name.value),
    InputObjectTypeDefinition: {
      enter: ({ name }) => (dropped.has(name.value) ? null : undefined),
    },
    // In AppSync, `__typename` is a field of the input object `_Any`, as there is no other way to send the type of a
    // representation.
    InputValueDefinition: ({ name }) => (name.value === '__typename' ? null : undefined),
    ObjectTypeDefinition: {
      enter: ({ name }) => (any !== undefined && name.value === '_Service' ? null : undefined),
      leave: (type) => (any === undefined ? undefined : withoutFederation(type)),
    },
    ObjectTypeExtension: { leave: (type) => (any === undefined ? undefined : withoutFederation(type)) },
    UnionTypeDefinition: ({ name }) => (any !== undefined && name.value === '_Entity' ? null : undefined),
  });
  const scalars = awsScalars
    .filter((name) => used.has(name) && !declared.has(name))
    .map((value): DefinitionNode => ({
      kind: Kind.SCALAR_TYPE_DEFINITION,
      name: { kind: Kind.NAME, value },
    }));
  return {
    document: { ...cleaned, definitions: [...cleaned.definitions, ...scalars] },
    missing: any === undefined ? [] : missingFields(any, document),
  };
}

const awsScalars = [
  'AWSDate',
  'AWSTime',
  'AWSDateTime',
  'AWSTimestamp',
  'AWSEmail',
  'AWSJSON',
  'AWSURL',
  'AWSPhone',
  'AWSIPAddress',
];

const isTypeDefinition = ({ kind }: DefinitionNode): boolean => kind.endsWith('TypeDefinition');

function namesOf({ definitions }: DocumentNode, is: (node: DefinitionNode) => boolean): Set<string> {
  return new Set(definitions.flatMap((node) => (is(node) && 'name' in node ? [node.name.value] : [])));
}

const inputs = ({ definitions }: DocumentNode): InputObjectTypeDefinitionNode[] =>
  definitions.filter((node) => node.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION);

/** `_Any`, and the input objects that only `_Any` uses. */
function ownInputs(any: InputObjectTypeDefinitionNode, document: DocumentNode): Set<string> {
  const own = new Set([any.name.value]);
  const candidates = inputs(document);
  for (let before = 0; before !== own.size;) {
    before = own.size;
    for (const { name } of candidates) {
      const users = document.definitions.filter((node) => names(node, name.value));
      const areOwn = users.every((user) => 'name' in user && own.has(user.name.value));
      if (users.length > 0 && areOwn) own.add(name.value);
    }
  }
  return own;
}

/** Whether a definition refers to a type. */
function names(definition: DefinitionNode, type: string): boolean {
  let found = false;
  visit(definition, { NamedType: ({ name }) => void (found ||= name.value === type) });
  return found;
}

function withoutFederation<Type extends ObjectTypeDefinitionNode | ObjectTypeExtensionNode>(
  type: Type,
): Type | null {
  const fields = type.fields ?? [];
  const kept = fields.filter(({ name }) => name.value !== '_entities' && name.value !== '_service');
  if (kept.length === fields.length) return type;
  // A type without fields is not valid.
  return kept.length === 0 ? null : { ...type, fields: kept };
}

/** The fields of keys and of `@requires` that `_Any` lacks. A call for such an entity would be refused. */
function missingFields(any: InputObjectTypeDefinitionNode, document: DocumentNode): MissingField[] {
  const all = new Map(inputs(document).map((input) => [input.name.value, input]));
  return document.definitions.flatMap((type) => {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION && type.kind !== Kind.OBJECT_TYPE_EXTENSION) return [];
    const keys = (type.directives ?? []).filter(({ name }) => name.value === 'key').filter(isResolvable);
    if (keys.length === 0) return [];
    const required = (type.fields ?? []).flatMap(({ directives = [] }: FieldDefinitionNode) =>
      directives.filter(({ name }) => name.value === 'requires'),
    );
    return [...keys, ...required].flatMap((directive) => {
      const fields = argument(directive, 'fields');
      return fields?.kind === Kind.STRING
        ? missingIn(selectionOf(fields.value), any, all).map(({ path, input }) => ({
            message: `\`${input.name.value}\` has no field for \`${path}\`, by which @${directive.name.value} of ${type.name.value} has to ask AppSync.`,
            offset: input.name.loc?.start ?? 0,
          }))
        : [];
    });
  });
}

interface Lack {
  readonly path: string;
  readonly input: InputObjectTypeDefinitionNode;
}

function missingIn(
  { selections }: SelectionSetNode,
  input: InputObjectTypeDefinitionNode,
  all: ReadonlyMap<string, InputObjectTypeDefinitionNode>,
): Lack[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.INLINE_FRAGMENT) return missingIn(selection.selectionSet, input, all);
    if (selection.kind !== Kind.FIELD || selection.name.value === '__typename') return [];
    const { name, selectionSet } = selection;
    const field = (input.fields ?? []).find((each) => each.name.value === name.value);
    if (field === undefined) return [{ path: name.value, input }];
    const inner = selectionSet && all.get(namedType(field.type).name.value);
    if (inner === undefined) return [];
    return missingIn(selectionSet!, inner, all).map((lack) => ({
      ...lack,
      path: `${name.value}.${lack.path}`,
    }));
  });
}

/** Parses a field set. Empty if the text is not valid, which composition reports. */
function selectionOf(fields: string): SelectionSetNode {
  try {
    const [definition] = parse(`{ ${fields} }`, { noLocation: true }).definitions;
    if (definition?.kind === Kind.OPERATION_DEFINITION) return definition.selectionSet;
  } catch {
    // Composition reports it.
  }
  return { kind: Kind.SELECTION_SET, selections: [] };
}

function isResolvable(key: DirectiveNode): boolean {
  const value = argument(key, 'resolvable');
  return value?.kind !== Kind.BOOLEAN || value.value;
}

const argument = ({ arguments: list = [] }: DirectiveNode, name: string) =>
  list.find((each) => each.name.value === name)?.value;

const namedType = (type: TypeNode): NamedTypeNode =>
  type.kind === Kind.NAMED_TYPE ? type : namedType(type.type);
