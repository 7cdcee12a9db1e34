import { buildSchema } from 'graphql';
import { Authorization, Policies } from '../../auth/directives';
import { eventFieldsOf } from '../../events/fed-fields';
import type { Options } from '../../options';
import type { McpOptions } from '../../options/mcp';
import { Planner, requirementLabel } from '../../planning';
import { createLogger } from '../../telemetry/logger';
import { missingScopes } from '../access';
import { readRegisteredTools } from './registered-tools';
import { compileTools, type LeftOutTool, type ToolDefinition } from './tools';

/** A tool, for who registers it. */
export interface ToolDescription extends ToolDefinition {
  readonly file: string;
  /** Bytes of its definition, which each client reads. */
  readonly bytes: number;
  /** Labels of what its fields require of callers. */
  readonly requires: readonly string[];
  /** The scopes that a token needs at least. */
  readonly scopes: readonly string[];
  readonly partial: boolean;
}

/** What a gateway with these options would offer. @throws {OptionsError} rejects where the supergraph does not build */
export async function describeTools(
  options: Options & { readonly mcp: McpOptions },
  supergraphSdl: string,
): Promise<{ readonly tools: readonly ToolDescription[]; readonly leftOut: readonly LeftOutTool[] }> {
  const registered = await readRegisteredTools(options.mcp);
  const eventFields = eventFieldsOf(options.events.subscriptions);
  const planner = new Planner({ supergraphSdl, eventFields, limits: options.planning });
  try {
    const { apiSchemaSdl, protections: facts } = await planner.ready;
    const schema = buildSchema(apiSchemaSdl.join(''), { assumeValid: true, assumeValidSDL: true });
    const logger = createLogger({ level: 'silent' });
    const policies = new Policies({ evaluate: undefined, ttl: 0, logger });
    const authorization = new Authorization({
      facts,
      schema,
      options: options.authorization,
      policies,
      logger,
    });
    const { tools, leftOut } = compileTools(registered, {
      ...{ schema, mutations: options.mcp.mutations },
      accessTo: (document, operation) => authorization.accessTo(document, operation),
    });
    return {
      tools: [...tools.values()].map(
        ({ definition, file, isPartial: partial, access: { requirements } }) => ({
          ...{ ...definition, file, partial },
          bytes: Buffer.byteLength(JSON.stringify(definition)),
          requires: requirements.map(requirementLabel),
          scopes: missingScopes(requirements, []),
        }),
      ),
      leftOut,
    };
  } finally {
    await planner.close();
  }
}
