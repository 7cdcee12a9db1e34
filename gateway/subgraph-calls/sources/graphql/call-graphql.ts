import {
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  valueFromASTUntyped,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { noStore, type Policy } from '../../../cache/policy';
import { type ExactJson, type ExactObject, writeExactJson } from '../../../replay/exact-json';
import { follow } from '../../contract/pending-answer';
import type {
  EntityList,
  Send,
  SubgraphRequest,
  SubgraphResponse,
  Subscribe,
} from '../../contract/transport';
import { joinPolicies, joinResponses, type OpenedSource, type OpenExecutor } from '../source-executor';
import { parseExact, readAnswer } from './answers';
import { SelectionCompiler, type TextContext } from './compile-selection';
import type { EntitySelection } from './entity-selection';
import { conditions, Selections } from './fields';
import type { Form } from './forms';
import { SourceRun } from './run';
import { type UpstreamOperation, UpstreamOperations, writeOperation } from './upstream-operations';
import { Owner } from './values';

/** Answers the requests of a graph by operations of a GraphQL API. */
export const callGraphQL: OpenExecutor = (source) => {
  const compiled = compiledOf(source);
  return (next) => (request) => {
    const operation = compiled(request, next);
    if (request.entities !== undefined) return answerEntities(request.entities, operation);
    const { root, run: begin } = operation;
    const run = begin();
    const sent = next(upstreamOf(request, root!, run));
    return follow(sent, run, (response) => rootAnswer(response, root!, run, source), undefined);
  };
};

/** Subscribes at a GraphQL API. @param send calls it for what an event has not */
export function subscribeGraphQL(source: OpenedSource, subscribe: Subscribe, send: Send): Subscribe {
  const compiled = compiledOf(source);
  return async (request) => {
    const { root, run } = compiled(request, send);
    const events = await subscribe(upstreamOf(request, root!, run()));
    return {
      async next() {
        const event = await events.next();
        if (event === undefined || event.isGap === true) return event;
        return { ...event, ...(await rootAnswer(event, root!, run(), source)) };
      },
      close: () => events.close(),
    };
  };
}

interface CompiledOperation {
  readonly operations: UpstreamOperations;
  /** By the response keys of `_entities`. */
  readonly entities: ReadonlyMap<string, EntitySelection>;
  /** Undefined for entities. */
  readonly root: CompiledRoot | undefined;
}

interface CompiledRoot {
  readonly form: Form;
  readonly upstream: UpstreamOperation;
  /** Finds an ID that is a number. */
  readonly numericId: RegExp;
}

function compiledOf(source: OpenedSource) {
  const parsed = new LRUCache<string, ParsedOperation>({ max: mostOperations });
  return (request: SubgraphRequest, next: Send) => {
    const { document } = request.operation;
    let operation = parsed.get(document);
    if (operation === undefined) parsed.set(document, (operation = new ParsedOperation(source, document)));
    const given = request.variables.length === 0 ? '{}' : request.variables.toString();
    const variables = parseExact(given) as ExactObject;
    const compiled = operation.compiledFor(request, variables);
    const { operations } = compiled;
    const run = () => new SourceRun({ next, request, source, operations, variables });
    return { ...compiled, variables, run };
  };
}

const mostOperations = 2_000;

/** An operation, compiled for each set of values that its conditions have. */
class ParsedOperation {
  readonly #source: OpenedSource;
  readonly #definition: OperationDefinitionNode;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #declared: ReadonlyMap<string, VariableDefinitionNode>;
  readonly #conditions = new Set<string>();
  readonly #compiled = new Map<string, CompiledOperation>();

  constructor(source: OpenedSource, text: string) {
    const document = parse(text, { noLocation: true });
    const [definition, ...fragments] = document.definitions as [
      OperationDefinitionNode,
      ...FragmentDefinitionNode[],
    ];
    this.#source = source;
    this.#definition = definition;
    this.#fragments = new Map(fragments.map((each) => [each.name.value, each]));
    const { variableDefinitions = [] } = definition;
    this.#declared = new Map(variableDefinitions.map((node) => [node.variable.name.value, node]));
    visit(document, {
      Directive: ({ name, arguments: args }) => {
        const value = conditions.has(name.value) ? args?.[0]?.value : undefined;
        if (value?.kind === Kind.VARIABLE) this.#conditions.add(value.name.value);
      },
    });
  }

  compiledFor(request: SubgraphRequest, variables: ExactObject): CompiledOperation {
    const values = Object.fromEntries(
      Array.from(this.#conditions, (name) => {
        const standard = this.#declared.get(name)?.defaultValue;
        return [name, variables[name] ?? (standard && valueFromASTUntyped(standard))];
      }),
    );
    const key = this.#conditions.size === 0 ? '' : JSON.stringify(values);
    let compiled = this.#compiled.get(key);
    if (compiled === undefined) {
      if (this.#compiled.size === mostVariants) this.#compiled.clear();
      this.#compiled.set(key, (compiled = this.#compile(request, values)));
    }
    return compiled;
  }

  #compile(
    { operation: { kind, name }, entities: lists }: SubgraphRequest,
    values: Readonly<Record<string, unknown>>,
  ): CompiledOperation {
    const { schema } = this.#source;
    const declared = this.#declared;
    const selections = new Selections(this.#fragments, values);
    const compiler = new SelectionCompiler(schema, selections);
    const operations = new UpstreamOperations(name, declared);
    const all = this.#definition.selectionSet.selections;
    if (lists !== undefined) {
      const fields = selections.fieldsOf(all, () => true);
      const entities = fields.map(({ key, selections: of }) => [key, compiler.entity(of, false)] as const);
      return { operations, entities: new Map(entities), root: undefined };
    }
    const context: TextContext = { variables: new Set(), ids: new Set(), required: undefined };
    const { text, form } = compiler.select(all, schema.types.get(schema.roots[kind]!)!, context);
    const { variables, ids } = context;
    const upstream = writeOperation(kind, name, { text: `{${text}}`, own: [], variables, declared });
    // oxlint-disable-next-line eslint-js/no-restricted-syntax -- names of GraphQL between quotes
    const numericId = new RegExp(`"(?:${[...ids].join('|')})"\\s*:[\\s[]*[-\\d]`);
    return { operations, entities: new Map(), root: { form, upstream, numericId } };
  }
}

/** Of one operation. */
const mostVariants = 100;

const upstreamOf = (
  { operation, caller, ...request }: SubgraphRequest,
  { upstream }: CompiledRoot,
  run: SourceRun,
): SubgraphRequest => ({
  ...request,
  operation: { ...operation, ...upstream.request },
  variables: run.write([], upstream.variables),
  caller,
});

/** The answer to root fields, with what more has to be called for it. */
function rootAnswer(
  response: SubgraphResponse,
  { form, numericId }: CompiledRoot,
  run: SourceRun,
  { policyOf }: OpenedSource,
): SubgraphResponse | Promise<SubgraphResponse> {
  const text = response.body.toString();
  if (!form.isChanged && !numericId.test(text)) return response;
  const answer = readAnswer(text);
  if (answer === undefined) return response;
  const { data: given, errors: ofResponse, extensions } = answer;
  const owner = new Owner();
  owner.add(ofResponse, undefined, form);
  const data = given && run.values.valueOf(given, form, undefined, owner);
  const finish = (): SubgraphResponse => {
    const errors = [...owner.errors, ...run.loose];
    // Errors have numbers of JavaScript.
    const whole = { data, errors: errors.length === 0 ? undefined : (errors as ExactJson[]), extensions };
    const body = Buffer.from(writeExactJson(whole as ExactObject));
    if (run.responses.length === 0) return { ...response, body };
    owner.keep(policyOf(response));
    const { status } = response;
    return { ...joinResponses([response, ...run.responses]), body, status, policy: owner.policy };
  };
  return run.isDone ? finish() : run.finish().then(finish);
}

async function answerEntities(
  lists: readonly EntityList[],
  { entities, variables, run: begin }: ReturnType<ReturnType<typeof compiledOf>>,
): Promise<SubgraphResponse> {
  const run = begin();
  const all = lists.map(({ responseKey, variable }) => {
    const selection = entities.get(responseKey)!;
    return (variables[variable] as readonly ExactObject[]).map((representation, key) => {
      const plan = selection.planOf(representation['__typename'] as string, representation);
      const entity: { value: ExactJson } = { value: {} };
      const owner = new Owner();
      const at = { before: { before: undefined, key: responseKey }, key };
      run.values.add(entity.value as Record<string, ExactJson>, representation, plan, at, owner, (value) => {
        entity.value = value;
      });
      return { entity, owner, isLookedUp: plan.lookups.length > 0 };
    });
  });
  await run.finish();
  const { failure } = run;
  if (failure !== undefined && all.flat().every(({ isLookedUp }) => isLookedUp)) {
    if ('error' in failure) throw failure.error;
    return failure.response;
  }
  const errors = [...all.flat().flatMap(({ owner }) => owner.errors), ...run.loose] as ExactJson[];
  const data = Object.fromEntries(lists.map(({ responseKey }, i) => [responseKey, all[i]!.map(valueOf)]));
  const whole = { data, errors: errors.length === 0 ? undefined : errors };
  const policies = all.map((list) => list.map(({ owner: { policy = ofRepresentation } }) => policy));
  const body = Buffer.from(writeExactJson(whole as unknown as ExactObject));
  return { ...joinResponses(run.responses), ...joinPolicies(policies), body };
}

const valueOf = ({ entity }: { readonly entity: { readonly value: ExactJson } }): ExactJson => entity.value;

/** Of what is made of a representation alone: it never changes. */
const ofRepresentation: Policy = { ...noStore, scope: 'public', maxAge: 86_400 };
