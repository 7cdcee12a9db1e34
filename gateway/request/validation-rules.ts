import {
  type ASTVisitor,
  getNamedType,
  GraphQLError,
  isInputObjectType,
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

/** Rules of the specification that graphql-js lacks. */
export const missingRules: readonly ValidationRule[] = [knownOperationTypes, oneOfVariables];

/** All rules of the specification: those of graphql-js, and those that it lacks. */
export const validationRules: readonly ValidationRule[] = [...specifiedRules, ...missingRules];
