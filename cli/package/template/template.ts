import { Document, isScalar, isSeq, Scalar, visit, type YAMLMap } from 'yaml';

/** A template of AWS SAM. Functions of CloudFormation are as in JSON: `{ Ref: 'Table' }`. */
export interface Template {
  readonly AWSTemplateFormatVersion: '2010-09-09';
  readonly Transform: 'AWS::Serverless-2016-10-31';
  readonly Description: string;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Description: string; readonly Value: unknown }>>;
}

export interface Parameter {
  readonly Type:
    | 'String'
    | 'Number'
    | 'CommaDelimitedList'
    | 'List<AWS::EC2::Subnet::Id>'
    | 'List<AWS::EC2::SecurityGroup::Id>';
  readonly Description: string;
  readonly Default?: string | number;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  /** What is said of a value that the pattern does not allow. */
  readonly ConstraintDescription?: string;
  readonly MinLength?: number;
  readonly NoEcho?: true;
}

export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: 'RetainExceptOnCreate' | 'Delete';
  readonly UpdateReplacePolicy?: 'Retain' | 'Delete';
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export const ref = (name: string) => ({ Ref: name });
export const attribute = (name: string, of: string) => ({ 'Fn::GetAtt': [name, of] });
export const arnOf = (name: string) => attribute(name, 'Arn');
/** A text with `${Name}` and `${Name.Attribute}`. */
export const sub = (text: string) => ({ 'Fn::Sub': text });

/** The logical id of a resource or parameter: `FakeProviderCharges` of `fake-provider-charges`. */
export const idOf = (name: string): string =>
  name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');

/** The template as YAML, with functions in their short forms. `comment` stands at its top. */
export function writeTemplate(template: Template, comment: string): string {
  const document = new Document(template, { version: '1.1', aliasDuplicateObjects: false });
  visit(document, { Map: (_, node) => shortForm(node) });
  document.commentBefore = comment;
  return document.toString({ lineWidth: 110, singleQuote: true, directives: false });
}

/** `!Ref`, `!GetAtt` and `!Sub` in place of a map with one function. */
function shortForm({ items: [pair, ...others] }: YAMLMap): Scalar | undefined {
  if (pair === undefined || others.length > 0 || !isScalar(pair.key)) return undefined;
  const { value } = pair;
  if (pair.key.value === 'Ref' && isScalar(value)) return tagged('!Ref', value.value);
  if (pair.key.value === 'Fn::Sub' && isScalar(value)) return tagged('!Sub', value.value);
  if (pair.key.value === 'Fn::GetAtt' && isSeq(value))
    return tagged('!GetAtt', (value.toJSON() as string[]).join('.'));
  return undefined;
}

function tagged(tag: string, value: unknown): Scalar {
  const scalar = new Scalar(value);
  scalar.tag = tag;
  return scalar;
}
