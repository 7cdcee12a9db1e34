import { parseDocument } from 'yaml';

/** A template of CloudFormation or SAM. `!Ref`, `!GetAtt` and `!Sub` are as in JSON: `{ Ref: 'Queue' }`. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, Parameter>>;
  readonly Resources: Readonly<Record<string, Resource>>;
}

export interface Parameter {
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
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
      tag('Sub', (text) => ({ 'Fn::Sub': text })),
    ],
  });
  if (document.errors[0]) throw document.errors[0];
  if (document.warnings[0]) throw document.warnings[0];
  const template = document.toJS() as Template;
  for (const [name, { Type }] of Object.entries(template.Resources))
    if (!/^AWS::\w+::\w+$/.test(Type)) throw new Error(`The resource ${name} has no type.`);
  const known = { ...template.Resources, ...template.Parameters, ...madeBySam(template) };
  for (const name of namesIn(template))
    if (!name.startsWith('AWS::') && !Object.hasOwn(known, name))
      throw new Error(`The template has no resource ${name}.`);
  return template;
}

/** The function URL of each function that has one, which SAM makes. */
const madeBySam = ({ Resources }: Template): Record<string, true> =>
  Object.fromEntries(
    Object.entries(Resources)
      .filter(([, { Properties }]) => Properties?.['FunctionUrlConfig'] !== undefined)
      .map(([name]) => [`${name}Url`, true]),
  );

/** The names of resources and parameters that a value refers to. */
export function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text } = value as Functions;
  if (Ref !== undefined) return [Ref];
  if (attribute !== undefined) return [attribute[0]];
  if (text !== undefined) return [...text.matchAll(/\$\{([\w:]+)/g)].map(([, name]) => name!);
  return Object.values(value).flatMap(namesIn);
}

interface Functions {
  readonly Ref?: string;
  readonly 'Fn::GetAtt'?: readonly [string, string];
  readonly 'Fn::Sub'?: string;
}

export interface Values {
  /** Of a resource or a parameter. */
  readonly ref: (name: string) => string;
  readonly attribute: (name: string, of: string) => string;
}

/** The value with the results of its functions in their places. */
export function resolveFunctions(value: unknown, values: Values): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => resolveFunctions(each, values));
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Sub': text } = value as Functions;
  if (Ref !== undefined) return values.ref(Ref);
  if (attribute !== undefined) return values.attribute(...attribute);
  if (text !== undefined)
    return text.replace(/\$\{([\w:]+)(?:\.(\w+))?\}/g, (_, name: string, of?: string) =>
      of === undefined ? values.ref(name) : values.attribute(name, of),
    );
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, resolveFunctions(each, values)]),
  );
}
