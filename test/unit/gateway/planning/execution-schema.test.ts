import { buildSchema, isEnumType, isObjectType } from 'graphql';
import { executionSchemaSdl } from '../../../../gateway/planning/execution-schema';
import { compose } from '../../../support/compose';

describe('the execution schema', () => {
  it('is not needed where nothing is inaccessible', () => {
    expect(executionSchemaSdl(compose({ a: 'type Query { a: ID }' }))).toBeUndefined();
  });

  const sdl = executionSchemaSdl(
    compose({
      a: `type Query { me: User, tag: tag }
          type tag { id: ID }
          type User @key(fields: "id") { id: ID! secret: Mood @inaccessible old: ID @deprecated(reason: "Use id.") }
          enum Mood { GOOD, BAD @inaccessible }`,
    }),
  )!;
  const schema = buildSchema(sdl);

  it('has no machinery of federation', () => {
    expect(sdl).not.toMatch(/join__|link__|@link|@join/);
    expect(schema.getDirective('link')).toBeUndefined();
  });

  it('has what clients may not see, marked', () => {
    const user = schema.getType('User');
    const mood = schema.getType('Mood');
    expect(isObjectType(user) && user.getFields()['secret']?.astNode?.directives).toMatchObject([
      { name: { value: 'inaccessible' } },
    ]);
    expect(isEnumType(mood) && mood.getValue('BAD')?.astNode?.directives).toMatchObject([
      { name: { value: 'inaccessible' } },
    ]);
  });

  it('keeps what a schema itself may say', () => {
    const user = schema.getType('User');
    expect(isObjectType(user) && user.getFields()['old']?.deprecationReason).toBe('Use id.');
  });

  it('keeps a type that is named as a feature is', () => {
    expect(schema.getType('tag')).toBeDefined();
  });

  it('knows `@inaccessible` under another name', () => {
    const renamed = `
      schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/inaccessible/v0.2", as: "hidden", for: SECURITY) { query: Query }
      directive @hidden on FIELD_DEFINITION
      type Query { a: ID b: ID @hidden }`;
    expect(executionSchemaSdl(renamed)).toContain('b: ID @inaccessible');
    expect(executionSchemaSdl(renamed)).not.toContain('hidden');
  });
});
