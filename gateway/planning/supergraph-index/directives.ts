import { type ConstDirectiveNode, valueFromASTUntyped } from 'graphql';

/** The arguments with which a directive is applied. */
export type Applied = Readonly<Record<string, unknown>>;

/** The uses of a directive on a definition. */
export function applied(
  { directives = [] }: { readonly directives?: readonly ConstDirectiveNode[] | undefined },
  name: string,
): Applied[] {
  const found: Applied[] = [];
  for (const directive of directives) {
    if (directive.name.value !== name) continue;
    const args: Record<string, unknown> = {};
    for (const { name: argument, value } of directive.arguments ?? [])
      args[argument.value] = valueFromASTUntyped(value);
    found.push(args);
  }
  return found;
}
