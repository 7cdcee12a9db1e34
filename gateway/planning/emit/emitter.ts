/** Turns what the search found into fetches. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { remembered } from '../maps';
import { allOf, commonOf, conditionsKey, implies, unconditional } from '../selections';
import { type IndexedType } from '../supergraph-index';
import { type AbstractPlan, type ItemPlan, conditionsOf, type ObjectPlan, type Plan } from '../search/plans';
import { type Search } from '../search/search';
import { type Contexts, contextsBelow, variableFor } from './contexts';
import { FetchDraft, type FetchLocation, SelectionDraft } from './drafts';
import { type Position } from './positions';
import { stepsOf } from './print-operation';
import { addRepresentation, type Ids, needsOf } from './representations';

/** A fetch that answers a position's objects, and the part of its operation there. */
interface Holder {
  readonly fetch: FetchDraft;
  readonly selection: SelectionDraft;
  /** As what its subgraph knows the objects. */
  readonly as: IndexedType;
}

type Holders = ReadonlyMap<number, Holder>;

/** Where a plan is emitted. */
interface Location extends FetchLocation {
  readonly holders: Holders;
  /** The types of the objects, where the path to what is below them has to name them. */
  readonly types: readonly string[] | undefined;
  /** Whether a fetch begins here, whose fields carry the conditions around them. */
  readonly isFirst: boolean;
  readonly contexts: Contexts;
}

export class Emitter {
  /** By stage, subgraph, and a key of path and needs. */
  readonly #fetches = new Map<string, FetchDraft[]>();
  readonly #ids: Ids = new Map();
  /** What is still to be emitted. A queue rather than recursion: it can be left and continued. */
  readonly #queue: ({ readonly plan: Plan; readonly location: Location } | undefined)[] = [];

  constructor(
    readonly search: Search,
    readonly steps: StepCount,
  ) {}

  *emit(root: ObjectPlan, position: Position): SlicedWork<readonly FetchDraft[]> {
    this.#addRoot(root, position);
    for (let i = 0; i < this.#queue.length; i++) {
      if (this.steps.isSliceOver) yield;
      this.steps.take(1);
      const { plan, location } = this.#queue[i]!;
      // What is emitted need not be kept.
      this.#queue[i] = undefined;
      if (plan.kind === 'abstract') this.#abstract(plan, location);
      else if (plan.kind === 'object') yield* this.#object(plan, location);
    }
    return [...this.#fetches.values()].flat();
  }

  #addRoot(plan: ObjectPlan, position: Position): void {
    const holders = new Map<number, Holder>();
    const here = { stage: 0, path: [], position, when: unconditional };
    for (const subgraph of plan.uses) {
      const when = conditionsOf(plan.local.filter((answer) => answer.plan.uses.includes(subgraph)));
      const fetch = this.#fetch({ ...here, when }, subgraph, plan.type.name, '');
      holders.set(subgraph, { fetch, selection: fetch.selection, as: plan.type });
    }
    const location: Location = { ...here, holders, types: undefined, isFirst: false, contexts: new Map() };
    this.#queue.push({ plan, location });
  }

  #abstract(plan: AbstractPlan, location: Location): void {
    const { holders } = location;
    for (const subgraph of plan.uses) holders.get(subgraph)!.selection.needsTypename = true;
    const source = within(holders, [plan.source], [plan.type.name], plan.type);
    for (const answer of plan.direct) this.#field(answer, { ...location, holders: source });
    for (const { types, plan: ofTypes } of plan.byType)
      this.#queue.push({
        plan: ofTypes,
        location: { ...location, holders: within(holders, ofTypes.uses, types, ofTypes.type), types },
      });
  }

  *#object(plan: ObjectPlan, around: Location): SlicedWork<void> {
    const types = around.types ?? [plan.type.name];
    const contexts = contextsBelow(around.contexts, plan.type, types, around.position);
    const location = contexts === around.contexts ? around : { ...around, contexts };
    const { holders, stage, path, position } = location;
    const isAmong = (answer: ItemPlan): boolean =>
      answer.plan.uses.every((subgraph) => holders.has(subgraph));
    for (const answer of plan.local) {
      if (this.steps.isSliceOver) yield;
      if (isAmong(answer)) this.#field(answer, location);
    }
    // Elsewhere at this position the objects' types may be known: then those of all objects have to be.
    if (plan.entered.length > 0 || plan.type.kind !== 'object')
      for (const subgraph of plan.uses) holders.get(subgraph)!.selection.needsTypename = true;
    if (plan.entered.length === 0) return;
    const pathKey = path.join('.');
    const entered = plan.entered.map((visit) => {
      const when = allOf(location.when, conditionsOf(visit.answers));
      const fetch = this.#fetch(
        { stage: stage + visit.stage, path, position, when },
        visit.subgraph,
        visit.key === undefined ? plan.type.name : types,
        `${pathKey}|${needsOf(visit, plan.type, this.#ids)}`,
      );
      const on = visit.as === plan.type ? types : [visit.as.name];
      const shared = new Set(visit.answers.flatMap(({ isShared, item }) => (isShared ? [item] : [])));
      return { visit, shared, holder: { fetch, selection: fetch.selection.on(on), as: visit.as } };
    });
    for (const answer of plan.local) {
      if (isAmong(answer)) continue;
      if (this.steps.isSliceOver) yield;
      const all = new Map(holders);
      for (const { visit, shared, holder } of entered)
        if (shared.has(answer.item)) all.set(visit.subgraph, holder);
      this.#field(answer, { ...location, holders: all, isFirst: true });
    }
    for (const { visit, holder } of entered) {
      const inVisit: Location = {
        stage: stage + visit.stage,
        path,
        position,
        when: location.when,
        holders: new Map([[visit.subgraph, holder]]),
        types: location.types,
        isFirst: true,
        contexts,
      };
      for (const answer of visit.answers) {
        if (this.steps.isSliceOver) yield;
        if (answer.isWhole) this.#queue.push({ plan: answer.plan, location: inVisit });
        else if (!answer.isShared) this.#field(answer, inVisit);
      }
      if (visit.key !== undefined) addRepresentation(this.search, holder.fetch, visit, plan.type, types);
    }
  }

  /** One of that key that is there, with its conditions widened, or a new one. @param on a root type, or entities' types */
  #fetch(location: FetchLocation, subgraph: number, on: string | readonly string[], key: string): FetchDraft {
    const { stage, when } = location;
    const isOfEntities = typeof on !== 'string';
    const id = `${stage}|${subgraph}|${isOfEntities ? 'entities' : ''}|${key}`;
    const known = remembered(this.#fetches, id, () => []);
    // If neither condition contained the other, or for other types, the fetch would also run where none holds.
    const fitting = known.find(({ when: other, requires }) => {
      if (!isOfEntities || conditionsKey(other) === conditionsKey(when)) return true;
      const isForSame = requires.size === on.length && on.every((type) => requires.has(type));
      return isForSame && (implies(other, when) || implies(when, other));
    });
    if (fitting !== undefined) {
      fitting.when = commonOf(fitting.when, when);
      return fitting;
    }
    const fetch = new FetchDraft(
      location,
      subgraph,
      isOfEntities,
      new SelectionDraft(isOfEntities ? [] : [on]),
    );
    known.push(fetch);
    return fetch;
  }

  /** Adds a field to the operations of the fetches that answer it. */
  #field({ item, plan }: ItemPlan, location: Location): void {
    if (item.kind === 'bundle') throw new Error('A bundle is answered as a whole');
    const { contexts, holders, position, stage } = location;
    const responseName = position.nameOf(item);
    const when = location.isFirst ? allOf(location.when, item.when) : item.when;
    let id = `${responseName}|${conditionsKey(when)}|`;
    for (const { text } of item.directives) id += text;
    this.steps.take(1 + stepsOf(id));
    let below: Map<number, Holder> | undefined;
    let lists = 0;
    for (const subgraph of plan.uses) {
      const { as, fetch, selection } = holders.get(subgraph)!;
      let draft = selection.fields.get(id);
      if (draft === undefined) {
        const field = as.fields.get(item.name);
        const join = field?.joins.get(subgraph);
        draft = {
          responseName,
          name: item.name,
          arguments: item.arguments,
          contextArguments: (join?.contextArguments ?? []).map(
            (argument) => `${argument.name}:$${variableFor(argument, contexts, this.search, fetch)}`,
          ),
          directives: item.directives,
          when,
          type: join?.type ?? field?.type ?? 'String!',
          selection: item.selection && new SelectionDraft([join?.namedType ?? field!.namedType]),
        };
        selection.fields.set(id, draft);
      }
      if (draft.selection === undefined) continue;
      below ??= new Map<number, Holder>();
      const type = this.search.index.types.get(draft.selection.types[0]!)!;
      below.set(subgraph, { fetch, selection: draft.selection, as: type });
      lists = draft.type.split('[').length - 1;
    }
    if (below === undefined) return;
    const path = [...typed(location.path, location.types), responseName];
    for (let i = 0; i < lists; i++) path.push('@');
    this.#queue.push({
      plan,
      location: {
        stage,
        path,
        position: position.below(responseName),
        when: allOf(location.when, item.when),
        holders: below,
        types: undefined,
        isFirst: false,
        contexts,
      },
    });
  }
}

/** The parts of the operations on objects of some types. */
const within = (holders: Holders, of: readonly number[], on: readonly string[], as: IndexedType): Holders =>
  new Map(
    of.map((subgraph) => {
      const { fetch, selection } = holders.get(subgraph)!;
      return [subgraph, { fetch, selection: selection.on(on), as }];
    }),
  );

function typed(path: readonly string[], types: readonly string[] | undefined): readonly string[] {
  if (types === undefined || path.length === 0) return path;
  return [...path.slice(0, -1), `${path.at(-1)!}|[${types.join()}]`];
}
