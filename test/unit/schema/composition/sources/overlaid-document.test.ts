import { print } from 'graphql';
import { overlaidDocument } from '../../../../../schema/composition/sources/overlaid-document';

const api = { sdl: 'type Query { users: [User] } type User { id: ID! }', file: 'users.graphql' };

describe.each(['', '# users\n'])('an overlay of %j', (text) => {
  const overlay = { text, file: 'users.join.graphql' };

  it('adds nothing to a schema', () => {
    const document = overlaidDocument('users', api, overlay, 'file');
    expect(print(document)).toContain('type User {\n  id: ID!\n}');
  });

  it('beside an OpenAPI document has an error with the operations that there are', () => {
    const sdl = '{"openapi":"3.0.3","paths":{"/pets":{"get":{"operationId":"listPets"}}}}';
    expect(() => overlaidDocument('pets', { sdl, file: 'pets.json' }, overlay, 'openapi')).toThrow(
      'The overlay names no operation of the OpenAPI document, which has `listPets`.',
    );
  });
});
