/** Inputs that are nearly right, for properties that hold whatever is sent. */
import fc from 'fast-check';

/** Values that somebody may have forgotten. */
export const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>('__proto__', 'constructor', null, -0, 1e308, '', '\u0000', '\ud800', [], {}),
);
/** Bodies of requests: JSON, mostly of the right form. */
export const json = fc.oneof(
  odd.map((value) => JSON.stringify(value)),
  fc
    .record(
      {
        query: fc.oneof(
          odd,
          fc.constantFrom('{ me { name } }', 'query ($id: ID!) { user(id: $id) { name } }'),
        ),
        variables: fc.oneof(odd, fc.record({ id: odd })),
        operationName: odd,
        extensions: fc.oneof(
          odd,
          fc.record({
            persistedQuery: fc.oneof(odd, fc.record({ version: odd, sha256Hash: odd })),
          }),
        ),
        __proto__: odd,
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
);
/** JSON with a few characters changed, taken out or repeated. */
export const damaged = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom('', '"', '{', '}', '[', ']', ',', '\\', '\\u', '\u0000', '1e', '…'),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([text, changes]) =>
      changes.reduce((changed, [at, piece]) => {
        const i = at % (changed.length + 1);
        return changed.slice(0, i) + piece + changed.slice(i + 1);
      }, text),
    );

const names = [
  'me',
  'user',
  'name',
  'id',
  'reviews',
  'rating',
  'author',
  'latestReviews',
  '__typename',
  '__schema',
  '__type',
  'nope',
];
const token = fc.constantFrom(
  ...names,
  ...'{{{}}}()[]!:$@=|&'.split(''),
  '...',
  'query',
  'mutation',
  'subscription',
  'fragment',
  'on',
  'User',
  'Query',
  '@include(if: true)',
  '@skip(if: $a)',
  '@defer',
  '(id: "u1")',
  '($a: ID!)',
  '"',
  '"""',
  '#',
  '\n',
  '1',
  '-1.5e9',
  'null',
  'true',
  '\ufeff',
  '\u0000',
);
const { selection } = fc.letrec<{ selection: string }>((tie) => ({
  selection: fc
    .array(
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(...names),
        fc.constantFrom('...F', '... on User { id }', 'a: name', '__proto__: id', 'user(id: "u1") { name }'),
        fc
          .tuple(
            fc.constantFrom(
              'me',
              'reviews',
              'author',
              'latestReviews',
              '...',
              '... on User',
              'user(id: "u2")',
            ),
            tie('selection'),
          )
          .map((parts) => parts.join(' ')),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((parts) => `{ ${parts.join(' ')} }`),
}));
/** GraphQL, or nearly. */
export const document = fc.oneof(
  fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(' ')),
  selection,
  fc.tuple(selection, selection).map(([one, other]) => `${one} fragment F on User ${other}`),
  damaged(selection),
);
