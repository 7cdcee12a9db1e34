import type { GraphQLError } from 'graphql';
import { describeLack } from '../auth/directives/lacks';
import { bearerChallenge } from '../auth/protected-resource';
import { requestError } from '../errors';
import type { Generation } from '../graph/generation';
import type { Gateway } from '../graph/gateway';
import { isMap } from '../options/is-map';
import type { Options } from '../options';
import type { GraphSteps } from '../request/graph-steps';
import type { IncomingRequest } from '../request/incoming-request';
import type { Arrival } from '../request/pipeline';
import type { Reply } from '../request/reply';
import type { Audit } from '../telemetry/audit/audit';
import type { Logger } from '../telemetry/logger';
import type { Meter, Sum } from '../telemetry/metrics/meter';
import type { AttributesOf } from '../telemetry/metrics/metric-table';
import { missingScopes, refusalOf, type ToolRefusal } from './access';
import { type CallResult, resultOf } from './call-result';
import { openLibrary } from './library';
import { McpSink, rpcCodes } from './mcp-sink';
import { compileIsOwnPage } from './origins';
import { PreparedResults } from './prepared-results';
import { type Message, messageIn } from './read-message';
import type { RegisteredTool } from './tools/registered-tools';
import { contentOf, startOf } from './result-message';
import { bodyFor, digestOf, nearestTo } from './tool-request';
import { compileTools, type Tool, type ToolDefinition, type ToolSet } from './tools/tools';
import { usualCall } from './usual-call';

export interface McpParts {
  readonly options: Options;
  readonly registered: readonly RegisteredTool[];
  readonly gateway: Pick<Gateway, 'current' | 'onSchemaLoadOrUpdate'>;
  readonly steps: Pick<GraphSteps, 'answer'>;
  readonly reply: Pick<Reply, 'refuse'>;
  readonly audit: Pick<Audit, 'ready' | 'toolCall'> | undefined;
  readonly meter: Meter;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

type Outcome = 'ok' | 'failed' | 'refused';

/** Offers registered operations as tools of the Model Context Protocol. Each message is a request of the pipeline. */
export class Mcp {
  readonly path: string;
  readonly #parts: McpParts;
  readonly #isOwnPage: ReturnType<typeof compileIsOwnPage>;
  readonly #library: ReturnType<typeof openLibrary>;
  readonly #prepared = new PreparedResults();
  readonly #calls: Sum<AttributesOf<'weir.mcp.calls'>>;
  #compiled: { readonly generation: Generation; readonly set: ToolSet } | undefined;

  constructor(parts: McpParts) {
    this.#parts = parts;
    this.path = parts.options.mcp!.path;
    this.#isOwnPage = compileIsOwnPage(parts.options);
    this.#calls = parts.meter.sum('weir.mcp.calls');
    this.#library = openLibrary({
      list: (request) => this.#list(request),
      isPublic: () =>
        this.#tools.every(({ access, isPartial }) => isPartial || access.requirements.length === 0),
      call: (request, name, given) =>
        new Promise((resolve) => {
          // A client that has left gets nothing, and the library would wait for it.
          request.onEnd(() => resolve({ isError: true, text: '' }));
          this.#call(request, this.#set!.tools.get(name)!, given, resolve);
        }),
    });
    parts.gateway.onSchemaLoadOrUpdate(() => this.#reportLeftOut());
  }

  /** The scopes that a caller without a token is to request, sorted. */
  scopesOfFirst(): readonly string[] {
    if (this.#parts.options.mcp!.scopes === 'operation') return [];
    const scopes = this.#tools.flatMap(({ access }) => missingScopes(access.requirements, []));
    return [...new Set(scopes)].sort();
  }

  /** The operations that are no tools, and why. */
  get leftOut(): ToolSet['leftOut'] {
    return this.#set?.leftOut ?? [];
  }

  /** Takes a request to its path. Returns why it is refused before its body is read; undefined if it goes on. */
  enter(request: IncomingRequest): GraphQLError | undefined {
    request.protocol = 'mcp';
    request.sink = new McpSink(request, () => this.scopesOfFirst());
    const { method, headers } = request.head;
    if (!this.#isOwnPage(headers))
      return requestError('FORBIDDEN', {
        reason: 'Pages of this origin may not call tools: list it in `cors`.',
      });
    if (method === 'POST') return undefined;
    const reason = `Messages are sent by POST, not by ${method}: there are no sessions and no streams.`;
    return requestError('METHOD_NOT_ALLOWED', { reason }, { headers: { allow: 'POST' } });
  }

  /** Answers a message whose sender is let in. */
  answer({ request, body }: Arrival): void {
    const { reply } = this.#parts;
    try {
      const message = messageIn(request, body);
      const refusal = this.#refusalOf(request, message);
      // Nearly always it is known at once: a promise would take a tenth of the time of a cached answer.
      if (!(refusal instanceof Promise)) this.#go(request, message, refusal);
      else
        refusal
          .then((known) => {
            if (!request.isGone) this.#go(request, message, known);
          })
          .catch((error: unknown) => reply.refuse(request, error));
    } catch (error) {
      reply.refuse(request, error);
    }
  }

  #go(request: IncomingRequest, message: Message, refusal: GraphQLError | undefined): void {
    if (refusal !== undefined) throw refusal;
    const sink = request.sink as McpSink;
    const usual = usualCall(message, request.head.headers);
    if (usual === undefined) {
      this.#askLibrary(request, message).catch((error: unknown) => this.#parts.reply.refuse(request, error));
      return;
    }
    this.#call(
      request,
      this.#set!.tools.get(usual.name)!,
      usual.arguments,
      (result) => sink.send(200, request.ownHeaders, startOf(usual) + contentOf(result)),
      (body) => this.#prepared.send(sink, request.ownHeaders, usual, body),
    );
  }

  async #askLibrary(request: IncomingRequest, message: Message): Promise<void> {
    const response = await this.#library(request, message);
    // That of an older client begins before its operation has ended.
    const text = Buffer.from(await response.arrayBuffer());
    request.settle();
    const type = response.headers.get('content-type') ?? 'application/json';
    (request.sink as McpSink).send(response.status, request.ownHeaders, text, type);
  }

  /** Why a tool is not called; undefined if it is, and for messages that are no calls. */
  #refusalOf(
    request: IncomingRequest,
    { method, params }: Message,
  ): GraphQLError | undefined | Promise<GraphQLError | undefined> {
    const name = method === 'tools/call' && isMap(params) ? params['name'] : undefined;
    if (typeof name !== 'string') return undefined;
    const set = this.#set;
    if (set === undefined) return requestError('NO_SUPERGRAPH', {});
    const tool = set.tools.get(name);
    if (tool === undefined) return this.#unknownTool(request, name);
    const refusalFor = (refused: readonly string[]): GraphQLError | undefined => {
      const refusal = refusalOf(tool, request.identity, refused);
      if (refusal === undefined) return undefined;
      this.#record(request, tool, {}, 'refused');
      return this.#errorFor(refusal, refused);
    };
    const refused = tool.access.peek(request.identity);
    return refused === undefined
      ? tool.access.decide(request.identity).then(refusalFor)
      : refusalFor(refused);
  }

  async #unknownTool(request: IncomingRequest, name: string): Promise<GraphQLError> {
    const known = (await this.#list(request)).map((each) => each.name);
    (request.sink as McpSink).refusal = { code: rpcCodes.params, status: 200 };
    const nearest = nearestTo(name, known);
    const hint = nearest === undefined ? '.' : `; did you mean ${JSON.stringify(nearest)}?`;
    return requestError('NOT_FOUND', {
      reason: `There is no tool ${JSON.stringify(name.slice(0, 64))}${hint}`,
    });
  }

  #errorFor({ kind, scopes }: ToolRefusal, refused: readonly string[]): GraphQLError {
    const details = { what: ['all fields of this tool'], lacks: refused.map(describeLack) };
    const { resource } = this.#parts.options.mcp!;
    if (kind === 'never' || resource === undefined)
      return requestError('UNAUTHORIZED_FIELD_OR_TYPE', details);
    const error = kind === 'scopes' ? 'insufficient_scope' : undefined;
    const headers = { 'www-authenticate': bearerChallenge({ resource, error, scopes }) };
    if (kind === 'anonymous')
      return requestError('UNAUTHENTICATED', { reason: 'This tool needs a signed-in caller.' }, { headers });
    return requestError('UNAUTHORIZED_FIELD_OR_TYPE', details, { headers });
  }

  /** Runs the operation of a tool. Calls `onResult` once, unless the client is gone or is to come back with another token. */
  #call(
    request: IncomingRequest,
    tool: Tool,
    given: Readonly<Record<string, unknown>>,
    onResult: (result: CallResult) => void,
    onHit?: (body: Buffer) => boolean,
  ): void {
    const { steps, audit, options, reply } = this.#parts;
    const { span } = request;
    span?.set('mcp.method.name', 'tools/call');
    span?.set('gen_ai.tool.name', tool.name);
    const record = (outcome: Outcome): void => this.#record(request, tool, given, outcome);
    const finish = (result: CallResult): void => {
      record(result.isError ? 'failed' : 'ok');
      onResult(result);
    };
    const run = (): void => {
      const body = bodyFor(tool, given);
      if (typeof body === 'string') {
        request.settle();
        finish({ isError: true, text: body });
        return;
      }
      (request.sink as McpSink).awaitResponse(
        (response) => finish(resultOf(tool, response)),
        (cached) => {
          const isSent = onHit?.(cached) === true;
          if (isSent) record('ok');
          return isSent;
        },
      );
      // The operation has one form of answer, whatever the message takes. These headers are of this request alone.
      request.head.headers.accept = 'application/json';
      request.graph = request.graphLabel = options.graphs?.default;
      steps.answer({ request, body });
    };
    if (audit === undefined) run();
    else
      audit
        .ready()
        .then(run)
        .catch((error: unknown) => reply.refuse(request, error));
  }

  #record(
    request: IncomingRequest,
    { name }: Tool,
    given: Readonly<Record<string, unknown>>,
    outcome: Outcome,
  ): void {
    this.#calls.add(1, { 'gen_ai.tool.name': name, outcome });
    const { audit, options } = this.#parts;
    if (audit === undefined) return;
    const { key } = options.audit;
    const digest = key === undefined ? undefined : digestOf(given, key);
    audit.toolCall({ request, tool: name, digest, outcome });
  }

  /** The tools that a caller may see: of those who could log in, or have other scopes, all. */
  async #list(request: IncomingRequest): Promise<readonly ToolDefinition[]> {
    const { identity } = request;
    const shown: ToolDefinition[] = [];
    for (const tool of this.#tools) {
      const { access, definition } = tool;
      const refused = access.peek(identity) ?? (await access.decide(identity));
      const refusal = refusalOf(tool, identity, refused);
      if (refusal === undefined || refusal.kind === 'scopes') shown.push(definition);
    }
    return shown;
  }

  get #tools(): readonly Tool[] {
    return [...(this.#set?.tools.values() ?? [])];
  }

  /** Undefined while there is no supergraph. */
  get #set(): ToolSet | undefined {
    const { gateway, options, registered } = this.#parts;
    const generation = gateway.current;
    if (generation === undefined) return undefined;
    if (this.#compiled?.generation !== generation) {
      const { apiSchema: schema, accessTo } = generation;
      const set = compileTools(registered, { schema, accessTo, mutations: options.mcp!.mutations });
      this.#compiled = { generation, set };
    }
    return this.#compiled.set;
  }

  #reportLeftOut(): void {
    for (const { name, file, reason } of this.leftOut)
      this.#parts.logger.warn({ tool: name, file, reason }, 'an operation is no tool');
  }
}
