/** The operation of a fetch, as text. */
import { print } from 'graphql';
import { type Condition } from '../selections';
import { addVariables } from '../selections/read-selections';
import { type FieldDraft, type SelectionDraft } from './drafts';

/** Prints the selections of one operation. */
export class OperationPrinter {
  /** The variables that it uses. */
  readonly variables = new Set<string>();
  /** Fragments that are shared by types that behave alike. */
  readonly fragments: string[] = [];

  print(selection: SelectionDraft, isFirst: boolean, isRepeated = false): string {
    const { fields, fragments, needsTypename } = selection;
    const parts: string[] = needsTypename ? ['__typename'] : [];
    let isSure = needsTypename;
    for (const field of fields.values()) {
      const isTypename = field.name === '__typename' && field.responseName === '__typename';
      if (isTypename && needsTypename && field.directives.length === 0) continue;
      // The unconditional one asks for it, too.
      if (field.selection === undefined && field.when.length > 0 && fields.has(`${field.responseName}||`))
        continue;
      parts.push(this.#field(field, isRepeated || selection.types.length > 1));
      if (field.when.length === 0) isSure = true;
    }
    for (const fragment of fragments.values()) {
      const body = this.print(fragment, false, isRepeated);
      for (const type of fragment.types) parts.push(`...on ${type}{${body}}`);
    }
    // Where conditions leave out all fields, whether there is an object still counts.
    if (!isFirst && (parts.length === 0 || (!isSure && fields.size > 0))) parts.unshift('__typename');
    return parts.join(' ');
  }

  #field(field: FieldDraft, isRepeated: boolean): string {
    const { arguments: args, contextArguments, directives, name, responseName, selection, when } = field;
    addVariables(args, this.variables);
    const given = [...args.map(print), ...contextArguments];
    let text = responseName === name ? name : `${responseName}:${name}`;
    if (given.length > 0) text += `(${given.join(' ')})`;
    const around: string[] = [];
    for (const { isOnFragment, node, text: directive } of directives) {
      addVariables([node], this.variables);
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
    if (selection !== undefined) text += this.#below(selection, isRepeated);
    return around.reduceRight((inner, directive) => `...${directive}{${inner}}`, text);
  }

  /** What types that behave alike repeat is a fragment, if it is long. */
  #below(selection: SelectionDraft, isRepeated: boolean): string {
    const body = this.print(selection, false, isRepeated);
    if (!isRepeated || body.length < longBody) return `{${body}}`;
    const name = `_${this.fragments.length}`;
    this.fragments.push(`fragment ${name} on ${selection.types[0]!}{${body}}`);
    return `{...${name}}`;
  }
}

/** In characters. */
const longBody = 200;

const printCondition = ({ value, variable }: Condition): string =>
  value ? `@include(if:$${variable})` : `@skip(if:$${variable})`;
