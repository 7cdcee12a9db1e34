import {
  type DocumentNode,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  validate,
} from 'graphql';
import type { OperationAccess } from '../../auth/directives';
import type { McpOptions } from '../../options/mcp';
import { validationRules } from '../../request/validation-rules';
import { inputSchemaOf } from './input-schema';
import type { JsonSchema } from './json-schema';
import { outputSchemaOf } from './output-schema';
import type { RegisteredTool } from './registered-tools';

/** A tool as clients see it (Model Context Protocol, "Tools"). */
export interface ToolDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema & { readonly type: 'object'; readonly properties: JsonSchema };
  readonly outputSchema: JsonSchema & { readonly type: 'object' };
  readonly annotations: Readonly<Record<string, boolean>>;
}

/** An operation that one supergraph can run as a tool. */
export interface Tool extends RegisteredTool {
  /** The body of a POST with its operation, up to the variables. */
  readonly beforeVariables: string;
  readonly definition: ToolDefinition;
  readonly access: OperationAccess;
}

/** An operation that is no tool, and why. */
export interface LeftOutTool extends Pick<RegisteredTool, 'name' | 'file'> {
  readonly reason: string;
  /** Whether it does not fit the supergraph, and not the options. */
  readonly isInvalid: boolean;
  /** Where it does not fit, from 1. */
  readonly location?: { readonly line: number; readonly column: number } | undefined;
}

export interface ToolSet {
  /** By name, in the order of names. */
  readonly tools: ReadonlyMap<string, Tool>;
  readonly leftOut: readonly LeftOutTool[];
}

export interface CompileToolsOptions {
  /** The API schema. */
  readonly schema: GraphQLSchema;
  readonly mutations: McpOptions['mutations'];
  readonly accessTo: (document: DocumentNode, operation: RegisteredTool['operation']) => OperationAccess;
}

export function compileTools(
  registered: readonly RegisteredTool[],
  { schema, mutations, accessTo }: CompileToolsOptions,
): ToolSet {
  const tools = new Map<string, Tool>();
  const leftOut: LeftOutTool[] = [];
  for (const each of registered) {
    const { name, file, text, document, operation } = each;
    const why = whyNot(each, schema, mutations);
    if (why === undefined)
      tools.set(name, {
        ...each,
        beforeVariables: `{"query":${JSON.stringify(text)},"operationName":"${name}","variables":`,
        definition: definitionOf(each, schema),
        access: accessTo(document, operation),
      });
    else leftOut.push({ name, file, ...why });
  }
  return { tools, leftOut };
}

/** Why an operation is no tool; undefined if it is one. */
function whyNot(
  { document, operation }: RegisteredTool,
  schema: GraphQLSchema,
  mutations: McpOptions['mutations'],
): Omit<LeftOutTool, 'name' | 'file'> | undefined {
  const left = (reason: string) => ({ reason, isInvalid: false });
  const type = operation.operation;
  if (type === OperationTypeNode.SUBSCRIPTION) return left('It is a subscription, which has no one answer.');
  if (type === OperationTypeNode.MUTATION && mutations === 'never')
    return left('It is a mutation, and `mcp.mutations` is never.');
  const [error] = validate(schema, document, validationRules, { maxErrors: 1 });
  if (error !== undefined) return { reason: error.message, isInvalid: true, location: error.locations?.[0] };
  const introspects = validate(schema, document, [NoSchemaIntrospectionCustomRule]).length > 0;
  return introspects ? left('It reads the schema.') : undefined;
}

function definitionOf(tool: RegisteredTool, schema: GraphQLSchema): ToolDefinition {
  const { name, title, description, operation, isOpenWorld } = tool;
  const isQuery = operation.operation === OperationTypeNode.QUERY;
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    inputSchema: inputSchemaOf(operation, schema) as ToolDefinition['inputSchema'],
    outputSchema: outputSchemaOf(tool, schema) as ToolDefinition['outputSchema'],
    annotations: {
      readOnlyHint: isQuery,
      destructiveHint: !isQuery,
      idempotentHint: isQuery,
      openWorldHint: isOpenWorld,
    },
  };
}
