import { parseDocument } from 'yaml';

/** A template of CloudFormation or SAM. `!Ref` and `!GetAtt` are as in JSON: `{ Ref: 'Queue' }`. */
export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** Reads a template, and throws what is wrong: no YAML, a resource without a type, or a name that it does not have. */
export function readTemplate(text: string): Template {
  const tag = (name: string, of: (value: string) => unknown) => ({ tag: `!${name}`, resolve: of });
  const document = parseDocument(text, {
    customTags: [
      tag('Ref', (Ref) => ({ Ref })),
      tag('GetAtt', (path) => ({ 'Fn::GetAtt': path.split('.') })),
    ],
  });
  if (document.errors[0]) throw document.errors[0];
  if (document.warnings[0]) throw document.warnings[0];
  const template = document.toJS() as Template;
  for (const [name, { Type }] of Object.entries(template.Resources))
    if (!/^AWS::\w+::\w+$/.test(Type)) throw new Error(`The resource ${name} has no type.`);
  for (const name of namesIn(template.Resources))
    if (!Object.hasOwn(template.Resources, name)) throw new Error(`The template has no resource ${name}.`);
  return template;
}

/** The names of resources that a value refers to. */
export function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: [string] };
  if (Ref !== undefined) return [Ref];
  if (attribute !== undefined) return [attribute[0]];
  return Object.values(value).flatMap(namesIn);
}
