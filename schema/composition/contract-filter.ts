import {
  type ArgumentDefinition,
  baseType,
  type EnumValue,
  type FieldDefinition,
  type InputFieldDefinition,
  type InterfaceType,
  type NamedType,
  type ObjectType,
  type Schema,
} from '@apollo/federation-internals';
import type { ContractTags } from './contract';

/** An element of a schema that can be hidden from clients. */
export type Element = NamedType | Field | ArgumentDefinition<Field> | EnumValue | InputFieldDefinition;
type Fielded = ObjectType | InterfaceType;
type Field = FieldDefinition<Fielded>;

export interface FilterOptions {
  readonly tags: ContractTags;
  readonly tagsOf: (element: Element) => readonly string[];
  /** Whether the graph itself hides an element. */
  readonly isInaccessible: (element: Element) => boolean;
}

/** The elements that a contract hides: by its tags, because they become empty, or because they become unreachable. */
export function hiddenByTags(schema: Schema, options: FilterOptions): ReadonlySet<Element> {
  // Types with `__` belong to Federation, and clients never see them.
  const types = schema.types().filter(({ name }) => !name.includes('__'));
  const hidden = new Set(elementsOf(types).filter((element) => isExcluded(element, options)));
  let size: number;
  do {
    size = hidden.size;
    for (const type of types) hideWhatIsEmpty(type, hidden);
  } while (hidden.size > size);
  const reached = reachableTypes(schema, hidden);
  for (const type of types) if (!reached.has(type)) hidden.add(type);
  return hidden;
}

function elementsOf(types: readonly NamedType[]): Element[] {
  return types.flatMap((type): Element[] => {
    switch (type.kind) {
      case 'ObjectType':
      case 'InterfaceType':
        return [type, ...fieldsOf(type).flatMap((field): Element[] => [field, ...field.arguments()])];
      case 'InputObjectType':
        return [type, ...type.fields()];
      case 'EnumType':
        return [type, ...type.values];
      default:
        return [type];
    }
  });
}

const fieldsOf = (type: Fielded): readonly Field[] => type.fields();

function isExcluded(element: Element, { tags: { include, exclude }, tagsOf, isInaccessible }: FilterOptions) {
  const own = tagsOf(element);
  if (isInaccessible(element) || own.some((tag) => exclude.includes(tag))) return true;
  if (include.length === 0) return false;
  // Inputs, enums and scalars are included with the fields that need them.
  if (element.kind === 'UnionType') return !own.some((tag) => include.includes(tag));
  if (element.kind !== 'FieldDefinition') return false;
  return ![...own, ...tagsOf(element.parent)].some((tag) => include.includes(tag));
}

/** Types without visible content, and elements of a hidden type. */
function hideWhatIsEmpty(type: NamedType, hidden: Set<Element>): void {
  if (hidden.has(type)) return;
  const isHidden = (element: Element): boolean => hidden.has(element);
  switch (type.kind) {
    case 'ObjectType':
    case 'InterfaceType':
      for (const field of fieldsOf(type)) {
        if (hidden.has(baseType(field.type!))) hidden.add(field);
        for (const argument of field.arguments())
          if (hidden.has(baseType(argument.type!))) hidden.add(argument);
        // An interface cannot have a field that one of its implementations lacks.
        if (hidden.has(field)) for (const each of type.interfaces()) hideField(each, field.name, hidden);
      }
      if (fieldsOf(type).every(isHidden)) hidden.add(type);
      break;
    case 'UnionType':
      if (type.types().every(isHidden)) hidden.add(type);
      break;
    case 'InputObjectType':
      for (const field of type.fields()) if (hidden.has(baseType(field.type!))) hidden.add(field);
      if (type.fields().every(isHidden)) hidden.add(type);
      break;
    case 'EnumType':
      if (type.values.every(isHidden)) hidden.add(type);
      break;
    case 'ScalarType':
      break;
  }
}

function hideField(type: InterfaceType, name: string, hidden: Set<Element>): void {
  const field = type.field(name);
  if (field !== undefined) hidden.add(field);
}

function reachableTypes(schema: Schema, hidden: ReadonlySet<Element>): ReadonlySet<NamedType> {
  const reached = new Set<NamedType>();
  const waiting: NamedType[] = schema.schemaDefinition.roots().map(({ type }) => type);
  const executable = schema.directives().filter((directive) => directive.hasExecutableLocations());
  for (const directive of executable)
    waiting.push(...directive.arguments().map(({ type }) => baseType(type!)));
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    if (reached.has(type) || hidden.has(type)) continue;
    reached.add(type);
    waiting.push(...neighboursOf(type, hidden));
  }
  return reached;
}

function neighboursOf(type: NamedType, hidden: ReadonlySet<Element>): NamedType[] {
  const isShown = (element: Element): boolean => !hidden.has(element);
  switch (type.kind) {
    case 'ObjectType':
    case 'InterfaceType': {
      const fields = fieldsOf(type)
        .filter(isShown)
        .flatMap((field) => [field, ...field.arguments().filter(isShown)]);
      const family = type.kind === 'InterfaceType' ? type.allImplementations() : [];
      return [...fields.map((each) => baseType(each.type!)), ...type.interfaces(), ...family];
    }
    case 'UnionType':
      return [...type.types()];
    case 'InputObjectType':
      return type
        .fields()
        .filter(isShown)
        .map((field) => baseType(field.type!));
    default:
      return [];
  }
}
