import {
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { noStore, type Policy } from '../../../cache/policy';
import type { ExactObject } from '../../../replay/exact-json';
import { follow } from '../../contract/pending-answer';
import type {
  EntityList,
  Send,
  SubgraphRequest,
  SubgraphResponse,
  Subscribe,
} from '../../contract/transport';
import { JsonParts } from '../../wire/json-parts';
import { parseExact } from '../arguments';
import {
  entitiesResponse,
  type EntityOutcome,
  joinResponses,
  type OpenedSource,
  type OpenExecutor,
} from '../source-executor';
import { EntityCompiler, type EntityLookup, type EntityPlan, typenameMember } from './compile-entities';
import { SelectionCompiler } from './compile-selection';
import { noForm, type Selection } from './forms';
import { jsonOf, nullJson, ObjectPiece, type Piece } from './pieces';
import type { SourceError } from './answers';
import { SourceRun } from './run';
import { hasNumericIds, hasNumbers, Owner, type Path, type Target } from './values';
import { type UpstreamOperation, UpstreamOperations, writeOperation } from './upstream-operations';

/** Answers the requests of a graph by operations of a GraphQL API. */
export const callGraphQL: OpenExecutor = (source) => {
  const compiled = compiledOf(source);
  return (next) => (request) =>
    request.entities === undefined
      ? answerRoot(next, request, source, compiled(request))
      : answerEntities(next, request, source, compiled(request), request.entities);
};

/** Subscribes at a GraphQL API. @param send calls it for what an event has not */
export function subscribeGraphQL(source: OpenedSource, subscribe: Subscribe, send: Send): Subscribe {
  const compiled = compiledOf(source);
  return async (request) => {
    const { operations, root } = compiled(request);
    const { upstream, selection } = root!;
    const run = (): SourceRun => new SourceRun(send, request, source, operations);
    const events = await subscribe({
      ...request,
      operation: { ...request.operation, ...upstream.request },
      variables: run().write([], upstream.variables),
    });
    return {
      async next() {
        const event = await events.next();
        if (event === undefined || event.isGap === true) return event;
        return { ...event, ...(await rootAnswer(event, selection, run(), source)) };
      },
      close: () => events.close(),
    };
  };
}

function compiledOf(source: OpenedSource): (request: SubgraphRequest) => CompiledOperation {
  const compiled = new LRUCache<string, CompiledOperation>({ max: mostOperations });
  return (request) => {
    const { document } = request.operation;
    let operation = compiled.get(document);
    if (operation === undefined) compiled.set(document, (operation = compile(source, request)));
    return operation;
  };
}

const mostOperations = 2_000;

interface CompiledOperation {
  readonly operations: UpstreamOperations;
  /** By the response keys of `_entities`. */
  readonly entities: ReadonlyMap<string, EntityCompiler>;
  /** Undefined for entities. */
  readonly root: { readonly selection: Selection; readonly upstream: UpstreamOperation } | undefined;
}

function compile({ schema }: OpenedSource, { operation, entities }: SubgraphRequest): CompiledOperation {
  const { definitions } = parse(operation.document, { noLocation: true });
  const [definition, ...fragments] = definitions as [OperationDefinitionNode, ...FragmentDefinitionNode[]];
  const compiler = new SelectionCompiler(schema, fragments);
  const { selectionSet, variableDefinitions = [] } = definition;
  const declared = new Map(variableDefinitions.map((node) => [node.variable.name.value, node]));
  const operations = new UpstreamOperations(operation.name, declared);
  if (entities !== undefined) {
    const fields = fieldsOf(selectionSet.selections).map(
      ({ alias, name, selectionSet: below }) =>
        [alias?.value ?? name.value, new EntityCompiler(compiler, below!.selections)] as const,
    );
    return { operations, entities: new Map(fields), root: undefined };
  }
  const selection = compiler.select(
    selectionSet.selections,
    schema.types.get(schema.roots[operation.kind]!)!,
  );
  const upstream = writeOperation(operation.kind, operation.name, {
    ...selection.uses,
    ...{ fields: selection.text, own: [], declared },
  });
  return { operations, entities: new Map(), root: { selection, upstream } };
}

const fieldsOf = (selections: readonly SelectionNode[]): FieldNode[] =>
  selections.flatMap((node) =>
    node.kind === Kind.FIELD
      ? [node]
      : node.kind === Kind.INLINE_FRAGMENT
        ? fieldsOf(node.selectionSet.selections)
        : [],
  );

function answerRoot(
  next: Send,
  request: SubgraphRequest,
  source: OpenedSource,
  { operations, root }: CompiledOperation,
): Promise<SubgraphResponse> {
  const run = new SourceRun(next, request, source, operations);
  const { upstream, selection } = root!;
  const sent = next({
    operation: { ...request.operation, ...upstream.request },
    variables: run.write([], upstream.variables),
    caller: request.caller,
  });
  return follow(sent, run, (response) => rootAnswer(response, selection, run, source), undefined);
}

/** The answer to root fields, with what more has to be called for it. */
function rootAnswer(
  response: SubgraphResponse,
  { form, uses }: Selection,
  run: SourceRun,
  { policyOf }: OpenedSource,
): SubgraphResponse | Promise<SubgraphResponse> {
  const isNumeric = hasNumericIds(response.body, uses.ids);
  if (!form.isChanged && !isNumeric) return response;
  const members = new Map<string, Buffer>();
  const parts = new JsonParts(response.body);
  const owner = new Owner();
  let data: Piece;
  try {
    parts.object((name) => {
      members.set(name, parts.value());
    });
    owner.add(errorsIn(members.get('errors')), [], form);
    data = run.values.valueOf(members.get('data') ?? nullJson, form, [], owner, isNumeric);
  } catch (error) {
    if (error instanceof SyntaxError) return response;
    throw error;
  }
  const finish = (): SubgraphResponse => {
    const body = new ObjectPiece();
    const errors = [...owner.errors, ...run.loose];
    if (members.has('data')) body.add('data', data);
    if (errors.length > 0) body.add('errors', Buffer.from(JSON.stringify(errors)));
    const extensions = members.get('extensions');
    if (extensions !== undefined) body.add('extensions', extensions);
    if (run.responses.length === 0) return { ...response, body: jsonOf(body) };
    owner.keep(policyOf(response));
    return {
      ...joinResponses([response, ...run.responses]),
      body: jsonOf(body),
      status: response.status,
      policy: owner.policy,
    };
  };
  return run.isDone ? finish() : run.finish().then(finish);
}

async function answerEntities(
  next: Send,
  request: SubgraphRequest,
  source: OpenedSource,
  { operations, entities }: CompiledOperation,
  lists: readonly EntityList[],
): Promise<SubgraphResponse> {
  const run = new SourceRun(next, request, source, operations);
  const all = lists.map(({ responseKey, representations }) => {
    const compiler = entities.get(responseKey)!;
    const values = parseExact(`[${representations.join()}]`) as readonly ExactObject[];
    return values.map(
      (value, n) => new RequestedEntity(run, [responseKey, n], value, compiler.planOf(value)),
    );
  });
  await run.finish();
  const { failure } = run;
  if (failure !== undefined && all.flat().every(({ isLookedUp }) => isLookedUp)) {
    if ('error' in failure) throw failure.error;
    return failure.response;
  }
  const outcomes = all.map((list) => list.map((entity) => entity.outcome));
  return entitiesResponse(lists, outcomes, run.responses, run.loose);
}

/** The entity of a representation. */
class RequestedEntity {
  readonly isLookedUp: boolean;
  readonly #run: SourceRun;
  readonly #at: Path;
  readonly #representation: ExactObject;
  readonly #plan: EntityPlan;
  readonly #owner = new Owner();
  #value: Piece = nullJson;

  constructor(run: SourceRun, at: Path, representation: ExactObject, plan: EntityPlan) {
    this.#run = run;
    this.#at = at;
    this.#representation = representation;
    this.#plan = plan;
    const { lookups, others } = plan;
    this.isLookedUp = lookups.length > 0;
    // The first one whose key the representation has.
    if (!this.isLookedUp) this.#value = run.values.objectOf(representation, others, at, this.#owner);
    else lookups.some((lookup) => run.call(lookup.call, representation, this.#target(lookup), lookup.list));
  }

  get outcome(): EntityOutcome {
    const { errors, policy = ofRepresentation } = this.#owner;
    return { json: jsonOf(this.#value), errors: errors as EntityOutcome['errors'], policy };
  }

  #target({ call, typename, names, missing }: EntityLookup): Target {
    return {
      take: (answer = nullJson, errors, policy) => {
        const { form } = call.selection;
        const { others } = this.#plan;
        this.#owner.keep(policy);
        if (answer.equals(nullJson) && others.members.length > 0) {
          this.#value = this.#withoutLookup(names, errors);
          return;
        }
        this.#owner.add(errors, this.#at, form);
        const needs = new Map<string, Buffer>();
        const value = this.#run.values.valueOf(
          answer,
          form,
          this.#at,
          this.#owner,
          hasNumbers(answer, call),
          needs,
        );
        const other = needs.get(typenameMember);
        if (answer.equals(nullJson) || (typename !== undefined && other?.toString() !== `"${typename}"`))
          return;
        this.#value = value;
        if (others.members.length === 0 && missing.length === 0) return;
        const object = value instanceof ObjectPiece ? value : wholeObject(answer);
        for (const name of missing) object.add(name, nullJson);
        this.#run.values.addTo(object, this.#representation, others, this.#at, this.#owner);
        this.#value = object;
      },
    };
  }

  /** What needs no lookup is there for an entity that is not found, or whose lookup fails. */
  #withoutLookup(names: readonly string[], errors: readonly SourceError[]): ObjectPiece {
    const object = new ObjectPiece();
    for (const name of new Set(names)) object.add(name, nullJson);
    const of = errors.flatMap((error) => names.map((name) => ({ ...error, path: [name] })));
    this.#owner.add(of, this.#at, noForm);
    this.#run.values.addTo(object, this.#representation, this.#plan.others, this.#at, this.#owner);
    return object;
  }
}

function wholeObject(bytes: Buffer): ObjectPiece {
  const object = new ObjectPiece();
  object.copy(bytes.subarray(1, -1), false);
  return object;
}

const errorsIn = (bytes: Buffer | undefined): SourceError[] => {
  const errors = bytes && (JSON.parse(bytes.toString()) as unknown);
  return Array.isArray(errors) ? (errors as SourceError[]) : [];
};

/** Of what is made of a representation alone: it never changes. */
const ofRepresentation: Policy = { ...noStore, scope: 'public', maxAge: 86_400 };
