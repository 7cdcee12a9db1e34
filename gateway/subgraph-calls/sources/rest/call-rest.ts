import { Kind, OperationTypeNode } from 'graphql';
import type { SourceField } from '../../../../schema/supergraph/sources/source-schema';
import { noStore, type Policy, strictest } from '../../../cache/policy';
import { type ExactJson, type ExactObject, readJson, typeOf } from '../../../replay/exact-json';
import type { EntityList, SubgraphResponse } from '../../contract/transport';
import {
  type EntityOutcome,
  entitiesResponse,
  joinResponses,
  type OpenedSource,
  type OpenExecutor,
} from '../source-executor';
import { type CallAnswer, Calls } from './calls';
import { EntityFinder } from './entity-finder';
import { type Arguments, givenArguments } from './inputs';
import { type LocatedFailure, malformed, needsOf, type Position, Projection } from './projection';
import { RestSource } from './rest-source';
import { revalidate } from './revalidate';
import { type Operation, Operations, type SelectedField, Selection } from './selections';

/** Answers requests for a graph whose subgraph is a REST API. */
export const callRest: OpenExecutor = (opened) => {
  const source = new RestSource(opened.schema);
  const operations = new Operations();
  return (next) => {
    const send = revalidate(next);
    return async (request) => {
      const given =
        request.variables.length === 0 ? {} : (readJson(request.variables.toString()) as ExactObject);
      const operation = operations.of(request.operation.document, given);
      const calls = new Calls(source, request, send);
      const run = new Run({ opened, source, operation, calls });
      const { entities } = request;
      const response = await (entities === undefined ? run.roots() : run.entities(entities));
      if (calls.outage !== undefined) throw calls.outage;
      return { ...response, status: calls.status };
    };
  };
};

interface RunParts {
  readonly opened: OpenedSource;
  readonly source: RestSource;
  readonly operation: Operation;
  readonly calls: Calls;
}

/** What is answered with policies and errors of its own: all root fields, or one entity. */
interface AnswerPart {
  readonly errors: LocatedFailure[];
  readonly policies: Policy[];
  /** Begins a value of it. */
  readonly write: () => Projection;
}

class Run {
  readonly #parts: RunParts;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async roots(): Promise<SubgraphResponse> {
    const { calls, source, operation } = this.#parts;
    const { kind, variables } = operation;
    const type = source.schema.types.get(source.schema.roots[kind]!)!;
    const part = this.#part();
    const fields: Promise<string>[] = [];
    for (const { key, field, node, selection } of new Selection(source, operation).fieldsOf(type)) {
      const answer = part.write();
      answer.text(`${fields.length === 0 ? '' : ','}"${key}":`);
      const at = { before: undefined, key };
      const args = givenArguments(node.arguments ?? [], variables);
      if (field === undefined) answer.text(JSON.stringify(type.graphName));
      const called = field && this.#call(field, args, { selection, at, answer, part });
      const text = Promise.resolve(called).then(() => answer.done());
      // Mutations come one after the other (GraphQL, section 6.2.2).
      if (kind === OperationTypeNode.MUTATION) await text;
      fields.push(text);
    }
    const data = (await Promise.all(fields)).join('');
    const errors = part.errors.length === 0 ? '' : `,"errors":${JSON.stringify(part.errors)}`;
    const body = Buffer.from(`{"data":{${data}}${errors}}`);
    return { ...joinResponses(calls.responses), body, policy: strictestOf(part) };
  }

  async entities(lists: readonly EntityList[]): Promise<SubgraphResponse> {
    const { source, operation, calls } = this.#parts;
    const fields = new Selection(source, operation).fieldsOf(undefined);
    const outcomes = await Promise.all(
      lists.map(({ responseKey, variable }) => {
        const representations = operation.variables[variable] as readonly ExactObject[];
        return this.#list(representations, fields.find(({ key }) => key === responseKey)!.selection);
      }),
    );
    return entitiesResponse(lists, outcomes, calls.responses);
  }

  #list(representations: readonly ExactObject[], selection: Selection): Promise<EntityOutcome[]> {
    const { source, calls, opened } = this.#parts;
    const finder = new EntityFinder(source, calls, opened.subgraph);
    const unknown = representations.filter((each) => !this.#isGiven(each, selection));
    const found = finder.find(unknown);
    const answers = new Map(unknown.map((each, i) => [each, found[i]!]));
    return Promise.all(
      representations.map(async (representation, n) => {
        const part = this.#part();
        const answer = part.write();
        const at = { before: { before: undefined, key: '_entities' }, key: n };
        const entity = await answers.get(representation);
        if (entity === undefined) {
          const type = source.entity(representation['__typename'])!;
          answer.object(representation, type, selection, at, 'graph');
        } else {
          this.#note(entity, part);
          this.#entity(entity, representation, { selection, at, answer, part });
        }
        const json = Buffer.from(await answer.done());
        return { json, errors: part.errors, policy: strictestOf(part) };
      }),
    );
  }

  /** Whether all that is selected of an entity can be made of its representation, such as links. */
  #isGiven(representation: ExactObject, selection: Selection): boolean {
    const { source } = this.#parts;
    const type = source.entity(representation['__typename']);
    if (type === undefined) return false;
    return selection.fieldsOf(type).every(({ field, node }) => {
      if (field === undefined) return node.name.value === '__typename';
      const isMade = field.derived !== undefined || field.from !== undefined;
      if (!isMade && source.schema.types.has(field.namedType)) return false;
      const needs = isMade ? [...needsOf(field)] : [field.name];
      return needs.every((name) => Object.hasOwn(representation, name));
    });
  }

  #entity(
    { json, failure, type: name }: CallAnswer,
    representation: ExactObject,
    { selection, at, answer }: Written,
  ): void {
    const { source, opened } = this.#parts;
    if (failure !== undefined) answer.fail(failure, at);
    else if (json === null) this.#unknown(representation, { selection, at, answer });
    else {
      const type = typeOf(json) === 'object' ? source.typeOf(json as ExactObject, name, 'json') : undefined;
      if (type?.graphName === representation['__typename'])
        answer.object(json as ExactObject, type!, selection, at, 'json', representation);
      else answer.fail(malformed(opened.subgraph, 'something else than the entity'), at);
    }
  }

  /** Of an entity that does not exist, calls that need nothing but its representation are answered. */
  #unknown(representation: ExactObject, { selection, at, answer }: Omit<Written, 'part'>): void {
    const type = this.#parts.source.entity(representation['__typename']);
    const isCalled = (selected: SelectedField): boolean =>
      selected.field?.from !== undefined &&
      [...needsOf(selected.field)].every((name) => Object.hasOwn(representation, name));
    if (type === undefined || !selection.fieldsOf(type).some(isCalled)) answer.text('null');
    else answer.object(representation, type, selection, at, 'graph');
  }

  /** Writes the answer of a root field. Never rejects. */
  async #call(field: SourceField, args: Arguments, { selection, at, answer, part }: Written): Promise<void> {
    const called = await this.#parts.calls.call(field, args);
    this.#note(called, part);
    if (called.failure !== undefined) answer.fail(called.failure, at);
    else answer.value(called.json, field.type, selection, at, 'json');
  }

  /** Answers a field with `@from`: null where an object lacks what it needs. */
  async #callFrom(
    { field, node, selection }: SelectedField,
    scope: ExactObject,
    written: Omit<Written, 'selection'>,
  ): Promise<void> {
    const { source, operation } = this.#parts;
    const args: Record<string, ExactJson> = { ...givenArguments(node.arguments ?? [], operation.variables) };
    for (const { name, type, require } of field!.arguments.values()) {
      if (require === undefined) continue;
      const value = source.evaluate(require, scope) ?? null;
      if (value === null && type.kind === Kind.NON_NULL_TYPE) {
        written.answer.text('null');
        return;
      }
      args[name] = value;
    }
    await this.#call(source.rootField('query', field!.from!), args, { ...written, selection });
  }

  #part(): AnswerPart {
    const {
      source,
      opened: { subgraph },
    } = this.#parts;
    const errors: LocatedFailure[] = [];
    const part: AnswerPart = {
      errors,
      policies: [],
      write: () =>
        new Projection({
          ...{ source, subgraph, errors },
          callFrom: (selected, scope, at, answer) => this.#callFrom(selected, scope, { at, answer, part }),
        }),
    };
    return part;
  }

  /** That an entity does not exist may be cached, too, as long as the source allows. */
  #note({ failure, response }: CallAnswer, { policies }: AnswerPart): void {
    policies.push(
      failure === undefined ? this.#parts.opened.policyOf({ ...response, status: 200 }) : noStore,
    );
  }
}

/** Where an answer is written. */
interface Written {
  readonly selection: Selection;
  readonly at: Position;
  readonly answer: Projection;
  readonly part: AnswerPart;
}

const strictestOf = ({ policies }: AnswerPart): Policy =>
  policies.length === 0 ? unchanging : policies.reduce(strictest);

/** Of what is made of a representation alone. */
const unchanging: Policy = { scope: 'public', maxAge: 2 ** 31, staleWhileRevalidate: 0, staleIfError: 0 };
