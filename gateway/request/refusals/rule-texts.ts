import {
  type ASTNode,
  getNamedType,
  isInputObjectType,
  isRequiredArgument,
  isRequiredInputField,
  Kind,
  type NameNode,
  print,
  type ValidationContext,
} from 'graphql';
import { shortened } from './refusal';

/** An error of validation, where it was reported. */
interface BrokenRule {
  /** What the error points at; the first one is what the rule is about. */
  readonly nodes: readonly ASTNode[];
  readonly context: ValidationContext;
  /** That of graphql-js, which may have values of the client. */
  readonly message: string;
}

/** What breaks a rule, in names of the schema and of the document, and never in values. */
interface RuleText {
  readonly message: string;
  readonly coordinate?: string;
}

type Describe = (broken: BrokenRule) => RuleText;

export const ruleTexts: Readonly<Record<string, Describe>> = {
  ExecutableDefinitions: () => ({ message: 'The document defines types, which no request may.' }),
  UniqueOperationNames: ({ nodes }) => ({ message: `Several operations are named ${nameIn(nodes[0])}.` }),
  LoneAnonymousOperation: () => ({ message: 'An operation without a name stands beside others.' }),
  KnownOperationTypes: ({ nodes: [node] }) => ({
    message: `The schema has no ${node?.kind === Kind.OPERATION_DEFINITION ? node.operation : 'such'} type.`,
  }),
  SingleFieldSubscriptions: () => ({
    message: 'The subscription selects several root fields, or one of introspection.',
  }),
  KnownTypeNames: ({ nodes }) => missing(`The type ${nameIn(nodes[0])}`, nameOf(nodes[0])),
  FragmentsOnCompositeTypes: ({ nodes: [type] }) => ({
    message: `A fragment is on \`${printed(type)}\`, which is no object, interface or union.`,
  }),
  VariablesAreInputTypes: ({ nodes: [type] }) => ({
    message: `A variable is of type \`${printed(type)}\`, which is no type of inputs.`,
  }),
  ScalarLeafs({ nodes: [node], context }) {
    const coordinate = calledIn(context);
    const what =
      node?.kind === Kind.SELECTION_SET ? 'has no fields to select' : 'needs a selection of its fields';
    return { message: `\`${coordinate}\` ${what}.`, coordinate };
  },
  FieldsOnCorrectType({ nodes: [node], context }) {
    const coordinate = fieldIn(context, node);
    return missing(`\`${coordinate}\``, coordinate);
  },
  UniqueFragmentNames: ({ nodes }) => ({ message: `Several fragments are named ${nameIn(nodes[0])}.` }),
  KnownFragmentNames: ({ nodes }) => ({ message: `The fragment ${nameIn(nodes[0])} is not defined.` }),
  NoUnusedFragments: ({ nodes }) => ({ message: `The fragment ${nameIn(nodes[0])} is never used.` }),
  PossibleFragmentSpreads: ({ context }) => ({
    message: `A fragment within \`${String(context.getParentType())}\` can never apply.`,
  }),
  NoFragmentCycles: ({ nodes }) => ({ message: `The fragment ${nameIn(nodes[0])} is within itself.` }),
  UniqueVariableNames: ({ nodes }) => ({ message: `The variable ${variableIn(nodes[0])} is defined twice.` }),
  NoUndefinedVariables: ({ nodes }) => ({ message: `The variable ${variableIn(nodes[0])} is not defined.` }),
  NoUnusedVariables: ({ nodes }) => ({ message: `The variable ${variableIn(nodes[0])} is never used.` }),
  KnownDirectives({ nodes: [node], context }) {
    const name = `@${nameOf(node)}`;
    const isKnown = context.getDirective() != null;
    return isKnown
      ? { message: `The directive \`${name}\` is not allowed there.` }
      : missing(`The directive \`${name}\``, name);
  },
  UniqueDirectivesPerLocation: ({ nodes }) => ({
    message: `The directive \`@${nameOf(nodes[0])}\` is given twice.`,
  }),
  KnownArgumentNames({ nodes: [node], context }) {
    const coordinate = `${calledIn(context)}(${nameOf(node)}:)`;
    return missing(`\`${coordinate}\``, coordinate);
  },
  UniqueArgumentNames: ({ nodes }) => ({ message: `The argument ${nameIn(nodes[0])} is given twice.` }),
  ValuesOfCorrectType: describeValue,
  ProvidedRequiredArguments({ nodes: [node], context }) {
    const called = calledIn(context);
    const given = new Set(argumentsOf(node).map(({ name }) => name.value));
    const known = context.getDirective()?.args ?? context.getFieldDef()?.args ?? [];
    const lacking = known.filter((each) => isRequiredArgument(each) && !given.has(each.name));
    return needs(called, 'argument', lacking, ([first]) => `${called}(${first}:)`);
  },
  VariablesInAllowedPosition({ nodes: [node], message }) {
    // The name of a type of the schema is the last of it.
    const [, needed] = /position expecting type "([[\]!\w]+)"\.$/.exec(message.slice(-longestEnd)) ?? [];
    const type = node?.kind === Kind.VARIABLE_DEFINITION ? printed(node.type) : '';
    const where =
      needed === undefined ? 'does not fit where it is used' : `is used where \`${needed}\` is needed`;
    return { message: `The variable ${variableIn(node)} of type \`${type}\` ${where}.` };
  },
  OverlappingFieldsCanBeMerged({ nodes: [node] }) {
    const field = node?.kind === Kind.FIELD ? (node.alias ?? node.name).value : '';
    return {
      message: `Selections of \`${shortened(field)}\` differ, so they cannot be one field of the answer.`,
    };
  },
  UniqueInputFieldNames: () => ({ message: 'A field of an input object is given twice.' }),
  MaxIntrospectionDepth: () => ({ message: 'Introspection is nested too deeply.' }),
  OneOfVariables: ({ nodes: [node] }) => ({
    message: `The variable ${variableIn(node)} may be null, but is used in an input object that takes exactly one field.`,
  }),
  IncrementalDirectives: () => ({
    message:
      'A label of `@defer` or `@stream` is no text or is used twice, or `@stream` is on a field that is no list.',
  }),
};

/** Longer than every name of a type that is shown. */
const longestEnd = 200;

function describeValue({ nodes: [node], context }: BrokenRule): RuleText {
  const type = context.getInputType();
  const named = getNamedType(type);
  if (node?.kind === Kind.OBJECT_FIELD) {
    const coordinate = `${String(getNamedType(context.getParentInputType()))}.${nameOf(node)}`;
    if (type == null) return missing(`\`${coordinate}\``, coordinate);
  }
  if (node?.kind === Kind.OBJECT && isInputObjectType(named)) {
    const given = new Set(node.fields.map(({ name }) => name.value));
    const lacking = Object.values(named.getFields()).filter(
      (each) => isRequiredInputField(each) && !given.has(each.name),
    );
    if (lacking.length > 0) return needs(named.name, 'field', lacking, ([first]) => `${named.name}.${first}`);
    if (named.isOneOf)
      return { message: `\`${named.name}\` takes exactly one field.`, coordinate: named.name };
  }
  const expected = type == null ? '' : ` is no \`${String(type)}\``;
  const argument = context.getArgument();
  if (argument == null) return { message: `The default value of a variable${expected}.` };
  const coordinate = `${calledIn(context)}(${argument.name}:)`;
  const where = getNamedType(argument.type) === named ? 'for' : 'within';
  return { message: `A value ${where} \`${coordinate}\`${expected || ' is not of its type'}.`, coordinate };
}

const missing = (what: string, coordinate: string): RuleText => ({
  message: `${what} does not exist.`,
  coordinate,
});

function needs(
  what: string,
  kind: 'argument' | 'field',
  lacking: readonly { readonly name: string }[],
  coordinateOf: (names: readonly string[]) => string,
): RuleText {
  const names = lacking.slice(0, mostNames).map(({ name }) => name);
  const kinds = lacking.length === 1 ? kind : `${kind}s`;
  const more = lacking.length > mostNames ? ' and more' : '';
  const message = `\`${what}\` needs the ${kinds} ${names.map((name) => `\`${name}\``).join(', ')}${more}.`;
  return { message, coordinate: coordinateOf(names) };
}

const mostNames = 5;

const fieldIn = (context: ValidationContext, node: ASTNode | undefined): string =>
  `${String(context.getParentType())}.${nameOf(node)}`;

/** What takes the arguments: a field or a directive. */
function calledIn(context: ValidationContext): string {
  const directive = context.getDirective();
  return directive == null
    ? `${String(context.getParentType())}.${context.getFieldDef()?.name ?? ''}`
    : `@${directive.name}`;
}

function nameOf(node: ASTNode | undefined): string {
  const { name } = (node ?? {}) as { readonly name?: NameNode };
  return shortened((node?.kind === Kind.NAME ? node : name)?.value ?? '');
}

const nameIn = (node: ASTNode | undefined): string => `\`${nameOf(node)}\``;

const variableIn = (node: ASTNode | undefined): string =>
  `\`$${nameOf(node?.kind === Kind.VARIABLE_DEFINITION ? node.variable : node)}\``;

const argumentsOf = (node: ASTNode | undefined) =>
  node?.kind === Kind.FIELD || node?.kind === Kind.DIRECTIVE ? (node.arguments ?? []) : [];

/** A type as the document has it. */
const printed = (node: ASTNode | undefined): string => (node === undefined ? '' : shortened(print(node)));
