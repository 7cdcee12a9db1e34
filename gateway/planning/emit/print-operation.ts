/** The operation of a fetch, as text. */
import { type SlicedWork } from '../../../schema/supergraph/sliced-work';
import { type StepCount } from '../budget';
import { type Condition } from '../selections';
import { printNodes } from '../selections/print-nodes';
import { type FieldDraft, type SelectionDraft } from './drafts';

export class OperationPrinter {
  readonly variables = new Set<string>();
  /** Fragments that are shared by types that behave alike. */
  readonly fragments: string[] = [];

  constructor(readonly steps: StepCount) {}

  *print(selection: SelectionDraft, isFirst: boolean, isRepeated = false): SlicedWork<string> {
    const { fields, fragments, needsTypename } = selection;
    const parts: string[] = needsTypename ? ['__typename'] : [];
    let isSure = needsTypename;
    for (const field of fields.values()) {
      if (this.steps.isSliceOver) yield;
      const isTypename = field.name === '__typename' && field.responseName === '__typename';
      if (isTypename && needsTypename && field.directives.length === 0) continue;
      // The unconditional one asks for it, too.
      if (field.selection === undefined && field.when.length > 0 && fields.has(`${field.responseName}||`))
        continue;
      const { text, around } = this.#head(field);
      let below = '';
      if (field.selection !== undefined) {
        const isPartRepeated = isRepeated || selection.types.length > 1;
        const body = yield* this.print(field.selection, false, isPartRepeated);
        below = isPartRepeated ? this.#shared(field.selection, body) : `{${body}}`;
      }
      parts.push(around.reduceRight((inner, directive) => `...${directive}{${inner}}`, text + below));
      if (field.when.length === 0) isSure = true;
    }
    for (const fragment of fragments.values()) {
      const body = yield* this.print(fragment, false, isRepeated);
      for (const type of fragment.types) parts.push(`...on ${type}{${body}}`);
    }
    // Where conditions leave out all fields, whether there is an object still counts.
    if (!isFirst && (parts.length === 0 || (!isSure && fields.size > 0))) parts.unshift('__typename');
    const text = parts.join(' ');
    this.steps.take(stepsOf(text));
    return text;
  }

  /** A field without what is below it, and the directives of fragments around it. */
  #head(field: FieldDraft): { readonly text: string; readonly around: readonly string[] } {
    const { arguments: args, contextArguments, directives, name, responseName, when } = field;
    let text = responseName === name ? name : `${responseName}:${name}`;
    if (args.length + contextArguments.length + directives.length + when.length === 0)
      return { text, around: [] };
    const given = [...printNodes(args, this.variables), ...contextArguments];
    if (given.length > 0) text += `(${given.join(' ')})`;
    const around: string[] = [];
    for (const { isOnFragment, node } of directives) {
      const [directive = ''] = printNodes([node], this.variables);
      if (isOnFragment) around.push(directive);
      else text += directive;
    }
    const used = new Set<boolean>();
    for (const condition of when) {
      this.variables.add(condition.variable);
      // `@skip` and `@include` can be used once each: what is more stands on a fragment around the field.
      if (used.has(condition.value)) around.push(printCondition(condition));
      else text += printCondition(condition);
      used.add(condition.value);
    }
    return { text, around };
  }

  /** What types that behave alike repeat is a fragment, if it is long. */
  #shared({ types }: SelectionDraft, body: string): string {
    if (body.length < longBody) return `{${body}}`;
    const name = `_${this.fragments.length}`;
    this.fragments.push(`fragment ${name} on ${types[0]!}{${body}}`);
    return `{...${name}}`;
  }
}

/** In characters. */
const longBody = 200;

/** What a text takes, beside the step of its position: it is copied at each level, and the plan keeps it. */
export const stepsOf = (text: string): number => Math.floor(text.length / 1000);

const printCondition = ({ value, variable }: Condition): string =>
  value ? `@include(if:$${variable})` : `@skip(if:$${variable})`;
