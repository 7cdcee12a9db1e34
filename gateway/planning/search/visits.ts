/** The visits of an object position, and what is needed for them: keys, and what fields require. */
import { cheapestOf, remembered } from '../maps';
import { type Conditions, implies, type SelectedField, type Selection, unconditional } from '../selections';
import { type Assignment, type ChosenField } from './assignment';
import { type Hub, type Option } from './hub';
import { type ItemPlan, conditionsOf, noPlan, type Visit, type VisitAnswer } from './plans';

interface OpenVisit extends Visit {
  /** The required fields that have arguments, as text: other arguments need another visit. */
  readonly given: string;
  answers: VisitAnswer[];
  readonly requires: Set<Selection>;
  representation: Selection;
}

export class Visits {
  readonly local: ItemPlan[] = [];
  readonly used: Set<number>;
  readonly #hub: Hub;
  readonly #assignment: Assignment;
  readonly #byId = new Map<string, OpenVisit>();

  constructor(hub: Hub, assignment: Assignment, chosen: readonly ChosenField[]) {
    this.#hub = hub;
    this.#assignment = assignment;
    this.used = assignment.spent.used;
    for (const { item, option } of chosen) this.#assign(item, option);
  }

  inOrder(): readonly OpenVisit[] {
    return [...this.#byId.values()].sort((one, other) => one.stage - other.stage);
  }

  /** A visit joins a later one of the same subgraph where nothing ends later, and no condition is lost. */
  join(): void {
    const { end } = this.#assignment;
    for (const visit of this.inOrder()) {
      const later = [...this.#byId.values()].find(
        ({ subgraph, stage, answers, given }) =>
          subgraph === visit.subgraph &&
          stage > visit.stage &&
          (visit.given === '' || visit.given === given) &&
          visit.answers.every(({ isShared, plan }) => !isShared && plan.depth + stage <= end) &&
          implies(conditionsOf(visit.answers), conditionsOf(answers)),
      );
      if (later === undefined) continue;
      later.answers.push(...visit.answers);
      for (const required of visit.requires) later.requires.add(required);
      this.#byId.delete(idOf(visit));
    }
  }

  /** Adds what the representations of each visit need, the last visits first: what they need may need others. */
  supply(): void {
    const last = Math.max(0, ...Array.from(this.#byId.values(), ({ stage }) => stage));
    for (let stage = last; stage > 0; stage--)
      for (const visit of [...this.#byId.values()]) {
        if (visit.stage !== stage || visit.key === undefined) continue;
        const { flattening } = this.#hub.search;
        visit.representation = [...visit.requires].reduce(
          (all, required) => flattening.merge(all, required),
          visit.key.selection,
        );
        this.#need(visit.representation, stage, conditionsOf(visit.answers));
        this.#moveKnown(visit, visit.key.selection);
      }
  }

  /** Fields that the key holds are answered where it comes from: the subgraph may not know the object. */
  #moveKnown(visit: OpenVisit, key: Selection): void {
    const { search, type } = this.#hub;
    const known = new Set(search.flattening.fieldsOf(key, type.name).map(({ name }) => name));
    const moved = new Map<VisitAnswer, Option>();
    for (const answer of visit.answers) {
      if (answer.isShared || answer.item.kind === 'bundle' || !known.has(answer.item.name)) continue;
      const option = this.#cheapestSupply(answer.item, visit.stage, 0);
      if (option !== undefined) moved.set(answer, option);
    }
    if (moved.size === visit.answers.length) return;
    visit.answers = visit.answers.filter((answer) => !moved.has(answer));
    for (const [{ item }, option] of moved) this.#assign(item, option);
  }

  /** Adds what arguments of fields below need, from before a stage on. */
  supplyContext(selection: Selection, before: number): void {
    this.#need(selection, before, unconditional);
    this.supply();
  }

  #need(selection: Selection, before: number, when: Conditions): void {
    const { search, type } = this.#hub;
    for (const field of search.flattening.fieldsOf(selection, type.name)) {
      if (field.name === '__typename') continue;
      const conditional = search.flattening.under(field, when);
      if (this.#isSupplied(field, before) || this.#isSupplied(conditional, before)) continue;
      const option = this.#cheapestSupply(conditional, before);
      if (option === undefined)
        throw new Error(`Nobody supplies ${type.name}.${field.name} before stage ${before}`);
      this.#assignment.apply(option);
      this.#assign(conditional, option);
    }
  }

  #isSupplied(field: SelectedField, before: number): boolean {
    const isBefore = ({ item, plan }: ItemPlan, stage: number): boolean =>
      item === field && stage + plan.depth < before;
    if (this.local.some((answer) => isBefore(answer, 0))) return true;
    for (const { stage, answers } of this.#byId.values())
      if (answers.some((answer) => !answer.isShared && isBefore(answer, stage))) return true;
    return false;
  }

  /** Prefers subgraphs that are called anyway. */
  #cheapestSupply(field: SelectedField, before: number, mostCalls = Infinity): Option | undefined {
    const { search } = this.#hub;
    return cheapestOf(this.#hub.optionsFor(field), ({ entry, id, plan, stage, end }) => {
      if (plan.left !== undefined || end >= before) return Infinity;
      const isCalled =
        entry === undefined ? plan.uses.every((subgraph) => this.used.has(subgraph)) : this.#byId.has(id);
      const calls = (isCalled ? 0 : 1) + search.callSets.count(plan.calls);
      return calls > mostCalls ? Infinity : calls * 1000 + stage + plan.uses.length;
    });
  }

  #assign(item: ItemPlan['item'], { entry, stage, plan, requires, isWhole }: Option): void {
    if (entry !== undefined) {
      const visit = this.#visit(entry.subgraph, stage, requires === undefined ? '' : argumentsIn(requires));
      visit.answers.push({ item, plan, isWhole, isShared: false });
      if (requires !== undefined) visit.requires.add(requires);
      return;
    }
    this.local.push({ item, plan });
    for (const subgraph of plan.uses) {
      if (this.#hub.sources.has(subgraph)) continue;
      const { stage: entered } = this.#hub.entries.get(subgraph)!;
      this.#visit(subgraph, entered, '').answers.push({ item, plan: noPlan, isWhole: false, isShared: true });
    }
  }

  #visit(subgraph: number, stage: number, given: string): OpenVisit {
    return remembered(this.#byId, idOf({ subgraph, stage, given }), () => {
      const { as, key } = this.#hub.entries.get(subgraph)!;
      return { subgraph, stage, given, as, key, answers: [], requires: new Set(), representation: [] };
    });
  }
}

const idOf = ({ subgraph, stage, given }: Pick<OpenVisit, 'given' | 'subgraph' | 'stage'>): string =>
  `${subgraph}@${stage}${given}`;

/** The fields of a selection that have arguments, as text. */
export function argumentsIn(selection: Selection): string {
  let text = '';
  for (const item of selection) {
    const below = item.selection === undefined ? '' : argumentsIn(item.selection);
    const own = item.kind === 'field' && item.arguments.length > 0 ? item.signature : '';
    if (own !== '' || below !== '')
      text += `|${own || (item.kind === 'field' ? item.name : item.on)}${below && `{${below}}`}`;
  }
  return text;
}
