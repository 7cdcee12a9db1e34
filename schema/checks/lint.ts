import { type ASTNode, Kind, parse, Source, visit } from 'graphql';
import type { SubgraphSchema } from '../composition/compose';
import { type LocatedNode, locateNode, type Problem } from '../composition/problem';

/** The style rules and their levels. */
export const lintRules = {
  'type-names': 'Names of types are in PascalCase.',
  'field-names': 'Names of fields, arguments and input fields are in camelCase.',
  'enum-value-names': 'Names of enum values are in UPPER_CASE.',
  'input-type-names': 'Names of input types end with Input.',
  'query-field-verbs': 'Names of query fields do not begin with get, list or fetch.',
  'type-in-field-name': 'A field does not repeat the name of its type, as User.userName does.',
  'deprecation-reasons': 'Deprecated elements have a reason.',
  'type-descriptions': 'Types that a subgraph defines have a description.',
  'field-descriptions': 'Fields of types that a subgraph defines have a description.',
} as const;

export type LintRule = keyof typeof lintRules;
export type LintLevel = 'off' | 'warning' | 'error';
export type LintRules = Readonly<Record<LintRule, LintLevel>>;

/** The default levels: names give warnings, descriptions are left to teams. */
export const defaultLintRules: LintRules = {
  'type-names': 'warning',
  'field-names': 'warning',
  'enum-value-names': 'warning',
  'input-type-names': 'off',
  'query-field-verbs': 'warning',
  'type-in-field-name': 'off',
  'deprecation-reasons': 'warning',
  'type-descriptions': 'off',
  'field-descriptions': 'off',
};

/**
 * Style findings in the schema of a subgraph, which must parse. Names of an API that is no subgraph are given: of it only the
 * fields count that its overlay adds.
 */
export function lintSchema(
  { name: subgraph, sdl, file, document }: SubgraphSchema,
  rules: LintRules,
): Problem[] {
  const problems: Problem[] = [];

  function report(rule: LintRule, node: NamedNode, message: string): void {
    const level = rules[rule];
    if (level === 'off') return;
    problems.push({ level, code: rule, message, locations: locateNode(node.name, subgraph) });
  }
  function checkName(rule: LintRule, node: NamedNode, shape: RegExp, told: string): void {
    if (!shape.test(node.name.value)) report(rule, node, `\`${node.name.value}\` must be in ${told}.`);
  }
  function checkType(node: NamedNode & Described): void {
    checkName('type-names', node, pascalCase, 'PascalCase');
    if (node.description === undefined)
      report('type-descriptions', node, `\`${node.name.value}\` has no description.`);
  }
  function checkField(node: NamedNode & Described, parent: NamedNode): void {
    const { value } = node.name;
    const owner = parent.name.value;
    checkName('field-names', node, camelCase, 'camelCase');
    if (node.description === undefined)
      report('field-descriptions', node, `\`${owner}.${value}\` has no description.`);
    if (owner === 'Query' && /^(get|list|fetch)[A-Z]/.test(value))
      report(
        'query-field-verbs',
        node,
        `\`Query.${value}\` must not begin with a verb: a query always gets.`,
      );
    if (value.length > owner.length && value.toLowerCase().startsWith(owner.toLowerCase()))
      report('type-in-field-name', node, `\`${owner}.${value}\` must not repeat the name of its type.`);
  }

  visit(document ?? parse(new Source(sdl, file)), {
    enter(node, _key, _siblings, _path, ancestors) {
      if (document !== undefined && isGiven(node)) return undefined;
      // Definitions of Federation, or those that it requires of an AppSync API. Their names are given.
      if ('name' in node && node.name.value.startsWith('_')) return false;
      switch (node.kind) {
        case Kind.OBJECT_TYPE_DEFINITION:
        case Kind.INTERFACE_TYPE_DEFINITION:
        case Kind.UNION_TYPE_DEFINITION:
        case Kind.ENUM_TYPE_DEFINITION:
        case Kind.SCALAR_TYPE_DEFINITION:
          checkType(node);
          break;
        case Kind.INPUT_OBJECT_TYPE_DEFINITION:
          checkType(node);
          if (!node.name.value.endsWith('Input'))
            report('input-type-names', node, `\`${node.name.value}\` must end with Input.`);
          break;
        case Kind.FIELD_DEFINITION:
          checkField(node, parentOf(ancestors));
          break;
        case Kind.INPUT_VALUE_DEFINITION:
          if (parentOf(ancestors).kind !== Kind.DIRECTIVE_DEFINITION)
            checkName('field-names', node, camelCase, 'camelCase');
          break;
        case Kind.ENUM_VALUE_DEFINITION:
          checkName('enum-value-names', node, upperCase, 'UPPER_CASE');
          break;
        case Kind.DIRECTIVE:
          if (node.name.value === 'deprecated' && node.arguments?.length === 0)
            report(
              'deprecation-reasons',
              node,
              'A deprecated element must have a reason: what to use instead.',
            );
          break;
        default:
      }
      return undefined;
    },
  });
  return problems;
}

const pascalCase = /^[A-Z][A-Za-z0-9]*$/;
const camelCase = /^[a-z][A-Za-z0-9]*$/;
const upperCase = /^[A-Z][A-Z0-9_]*$/;

/** Whether a part of an API's schema is not one of the fields that an overlay adds. */
const isGiven = (node: ASTNode): boolean =>
  node.kind !== Kind.FIELD_DEFINITION ||
  node.directives?.some(({ name }) => name.value === 'derive' || name.value === 'from') !== true;

interface NamedNode {
  readonly kind: ASTNode['kind'];
  readonly name: LocatedNode & { readonly value: string };
}

interface Described {
  readonly description?: unknown;
}

/** The definition that a member belongs to. */
const parentOf = (ancestors: readonly (ASTNode | readonly ASTNode[])[]): NamedNode =>
  ancestors.findLast((ancestor) => !Array.isArray(ancestor)) as NamedNode;
