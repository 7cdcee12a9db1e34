import {
  getNamedType,
  type GraphQLSchema,
  isInputObjectType,
  type NamedTypeNode,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/**
 * The schema coordinates that an operation uses: types, `Type.field`, `Type.field(argument:)`, and enum values and
 * input fields in its text. Gateways count those in variables.
 */
export function usesOf(operation: string, schema: GraphQLSchema): Set<string> {
  const uses = new Set<string>();
  const types = new TypeInfo(schema);
  visit(
    parse(operation, { noLocation: true }),
    visitWithTypeInfo(types, {
      Field({ name, arguments: given = [] }) {
        const parent = types.getParentType();
        const type = types.getType();
        if (parent == null) return;
        const field = `${parent.name}.${name.value}`;
        uses.add(parent.name).add(field);
        if (type != null) uses.add(getNamedType(type).name);
        for (const argument of given) uses.add(`${field}(${argument.name.value}:)`);
      },
      Directive({ name }) {
        uses.add(`@${name.value}`);
      },
      // Types of fragments and of variables.
      NamedType({ name }: NamedTypeNode) {
        uses.add(name.value);
      },
      EnumValue({ value }) {
        const type = types.getInputType();
        if (type != null) uses.add(`${getNamedType(type).name}.${value}`);
      },
      ObjectValue() {
        const type = types.getInputType();
        const named = type == null ? undefined : getNamedType(type);
        if (isInputObjectType(named)) uses.add(named.name);
      },
      ObjectField({ name }) {
        const parent = types.getParentInputType();
        const named = parent == null ? undefined : getNamedType(parent);
        if (isInputObjectType(named)) uses.add(`${named.name}.${name.value}`);
      },
    }),
  );
  return uses;
}
