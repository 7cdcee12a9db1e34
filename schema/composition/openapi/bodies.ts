import { child, children, isTrue, type Located, textAt } from './document';
import type { Argument, Import } from './fields';
import { type Names, quoted } from './names';
import type { Operation } from './operations';

const form = 'application/x-www-form-urlencoded';

/** The media type without its parameters, in small letters. */
export const mediaType = (text: string): string => text.split(';', 1)[0]!.trim().toLowerCase();

/** Whether a body of a media type is JSON; of one for any, it can be. */
export const isJson = (type: string): boolean =>
  type === 'application/json' || type.endsWith('+json') || type === '*/*' || type === 'application/*';

/** The argument for the body of an operation; none where it has none, or an empty one. */
export function bodyOf(
  { at, method, name }: Operation,
  field: string,
  names: Names,
  { document, types, notes }: Import,
): Argument[] {
  const unresolved = child(at, 'requestBody');
  if (unresolved === undefined) return [];
  const body = document.resolve(unresolved);
  const isRequired = isTrue(body, 'required');
  const chosen = chosenContent(children(child(body, 'content')));
  const reason =
    method === 'GET'
      ? 'a GET has no body'
      : chosen === undefined
        ? `it is ${namesOf(child(body, 'content'))}, and only JSON and ${form} are sent`
        : undefined;
  const schema = chosen && (child(chosen.content, 'schema') ?? { value: {}, path: [...body.path, 'schema'] });
  const shape = schema && types.shapes.of(schema);
  const isEmpty = shape?.kind === 'object' && shape.properties.size === 0 && !shape.isOpen;
  if (isEmpty && !isRequired) return [];
  if (reason !== undefined || chosen === undefined) {
    if (isRequired) throw document.error(`Its body cannot be sent: ${reason}.`, body);
    notes.add(`Bodies are left out: ${reason}`, field);
    return [];
  }
  if (chosen.type === form && shape?.kind !== 'object')
    throw document.error('Its body cannot be sent: a form must be an object with properties.', schema!);
  const argument = names.take('body');
  const type = types.of(schema!, { direction: 'input', operation: name, coordinate: `${field}.${argument}` });
  const encoding = chosen.type === form ? encodingOf(child(chosen.content, 'encoding')) : [];
  const template = [
    `argument: "${argument}", mediaType: ${quoted(chosen.type)}`,
    ...(encoding.length > 0 ? [`encoding: [${encoding.join(', ')}]`] : []),
  ];
  return [
    {
      sdl: `    ${argument}: ${type}${isRequired ? '!' : ''}`,
      template: `{ ${template.join(', ')} }`,
    },
  ];
}

interface Content {
  readonly type: string;
  readonly content: Located;
}

/** JSON, where there is a choice. */
function chosenContent(contents: readonly [string, Located][]): Content | undefined {
  const all = contents.map(([name, content]) => ({ type: mediaType(name), content }));
  const json = all.find(({ type }) => type === 'application/json') ?? all.find(({ type }) => isJson(type));
  if (json?.type.includes('*')) return { ...json, type: 'application/json' };
  return json ?? all.find(({ type }) => type === form);
}

/** How the properties of a form are written, where the document says it. */
const encodingOf = (encoding: Located | undefined): string[] =>
  children(encoding).flatMap(([name, at]) => {
    const style = textAt(at, 'style');
    const explode = child(at, 'explode')?.value;
    const parts = [
      ...(style === undefined ? [] : [`style: ${quoted(style)}`]),
      ...(typeof explode === 'boolean' ? [`explode: ${explode}`] : []),
      ...(isTrue(at, 'allowReserved') ? ['allowReserved: true'] : []),
    ];
    return parts.length === 0 ? [] : [`{ ${[`name: ${quoted(name)}`, ...parts].join(', ')} }`];
  });

/** The media types of a content, for messages. */
export const namesOf = (content: Located | undefined): string =>
  children(content)
    .slice(0, 5)
    .map(([name]) => `\`${mediaType(name)}\``)
    .join(', ') || 'of no media type';
