import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  TypeInfo,
  ValidationContext,
  visit,
  visitInParallel,
  visitWithTypeInfo,
} from 'graphql';
import { validationRules } from '../validation-rules';
import { mostRefusals, type Refusal } from './refusal';
import { ruleTexts } from './rule-texts';

/**
 * The rules that a document breaks, the first ones as they are met. The document is validated once more, as the errors of
 * graphql-js have neither the rule nor the coordinate, and quote values of the client.
 */
export function explainDocument(schema: GraphQLSchema, document: DocumentNode): readonly Refusal[] {
  const found: Refusal[] = [];
  const types = new TypeInfo(schema);
  const context = new ValidationContext(schema, document, types, () => undefined);
  const visitors = validationRules.map((rule) => {
    const name = ruleName(rule.name);
    // It shares what the context finds out.
    const own = Object.create(context, {
      reportError: {
        value: (error: GraphQLError) => {
          add(found, name, error, context);
          if (found.length === mostRefusals) throw enough;
        },
      },
    }) as ValidationContext;
    return rule(own);
  });
  try {
    visit(document, visitWithTypeInfo(types, visitInParallel(visitors)));
  } catch (error) {
    if (error !== enough) throw error;
  }
  return found;
}

const enough = new Error('Enough errors are found.');

/** Of equal sentences the first is kept. */
function add(found: Refusal[], rule: string, error: GraphQLError, context: ValidationContext): void {
  const { nodes = [], message, locations = [] } = error;
  const describe = ruleTexts[rule];
  const unknown = { message: `The document breaks the rule ${rule}.` };
  const text = describe?.({ nodes, context, message }) ?? unknown;
  if (found.some((each) => each.message === text.message)) return;
  found.push({ code: 'GRAPHQL_VALIDATION_FAILED', rule, ...text, ...locations[0] });
}

/** Such as `FieldsOnCorrectType`. */
export function ruleName(name: string): string {
  const short = name.endsWith('Rule') ? name.slice(0, -'Rule'.length) : name;
  return short[0]!.toUpperCase() + short.slice(1);
}
