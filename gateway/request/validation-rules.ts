import {
  type ASTVisitor,
  type DirectiveNode,
  getNamedType,
  getNullableType,
  GraphQLError,
  isInputObjectType,
  isListType,
  Kind,
  type OperationTypeNode,
  specifiedRules,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/**
 * A variable for a field of a `@oneOf` input object must not be nullable (GraphQL, September 2025, section 5.8.5).
 * graphql-js 16.15 has this rule, but only where the input object itself may be null.
 */
function oneOfVariables(context: ValidationContext): ASTVisitor {
  const variables = new Set<unknown>();
  return {
    ObjectField({ value }) {
      const parent = getNamedType(context.getParentInputType());
      const isOneOf = isInputObjectType(parent) && parent.isOneOf;
      if (isOneOf && value.kind === Kind.VARIABLE) variables.add(value);
    },
    Document: {
      leave({ definitions }) {
        if (variables.size === 0) return;
        for (const operation of definitions) {
          if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
          for (const { node, parentType } of context.getRecursiveVariableUsages(operation)) {
            // graphql-js itself reports these.
            if (!variables.has(node) || isInputObjectType(parentType)) continue;
            const definition = operation.variableDefinitions?.find(
              ({ variable }) => variable.name.value === node.name.value,
            );
            if (definition === undefined || definition.type.kind === Kind.NON_NULL_TYPE) continue;
            const message = `Variable "$${node.name.value}" must be of a non-null type, as it is used for a field of the OneOf Input Object "${String(getNamedType(parentType))}".`;
            context.reportError(new GraphQLError(message, { nodes: [definition, node] }));
          }
        }
      },
    },
  };
}

/**
 * The schema must have the root type of every operation (GraphQL, September 2025, section 5.2.1). graphql-js 16 has no
 * such rule, and does not look at the fields of an operation without a root type; its messages are those of version 17.
 */
function knownOperationTypes(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation) != null) return;
      context.reportError(new GraphQLError(unknownOperationType(node.operation), { nodes: node }));
    },
  };
}

const unknownOperationType = (operation: `${OperationTypeNode}`): string =>
  `The ${operation} operation is not supported by the schema.`;

/**
 * Labels of `@defer` and `@stream` are texts, each used once, so that a client knows which part it got (rules "Defer And
 * Stream Directive Labels Are Unique" and "Stream Directives Are Used On List Fields" of the incremental delivery proposal,
 * https://github.com/graphql/graphql-spec/pull/1110). graphql-js 16 has no such rules; the messages are those of version
 * 17. That the directives stand on root fields of mutations and subscriptions is no error here: there they have no effect.
 */
function incrementalDirectives(context: ValidationContext): ASTVisitor {
  const labels = new Map<string, DirectiveNode>();
  return {
    Directive(node) {
      const { value: name } = node.name;
      if (name !== 'defer' && name !== 'stream') return;
      const label = node.arguments?.find((argument) => argument.name.value === 'label')?.value;
      if (label?.kind === Kind.STRING) {
        const other = labels.get(label.value);
        if (other === undefined) labels.set(label.value, node);
        else {
          const message =
            'Value for arguments "defer(label:)" and "stream(label:)" must be unique across all Defer/Stream directive usages.';
          context.reportError(new GraphQLError(message, { nodes: [other, node] }));
        }
      } else if (label !== undefined && label.kind !== Kind.NULL) {
        const message = `Argument "@${name}(label:)" must be a static string.`;
        context.reportError(new GraphQLError(message, { nodes: node }));
      }
      const field = context.getFieldDef();
      if (name === 'stream' && field != null && !isListType(getNullableType(field.type))) {
        const parent = String(context.getParentType());
        const message = `Directive "@stream" cannot be used on non-list field "${parent}.${field.name}".`;
        context.reportError(new GraphQLError(message, { nodes: node }));
      }
    },
  };
}

/** Rules of the specification that graphql-js lacks. */
export const missingRules: readonly ValidationRule[] = [
  knownOperationTypes,
  oneOfVariables,
  incrementalDirectives,
];

/** All rules of the specification: those of graphql-js, and those that it lacks. */
export const validationRules: readonly ValidationRule[] = [...specifiedRules, ...missingRules];
