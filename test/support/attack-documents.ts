/** Documents that attack whoever parses, validates or plans them. */

export const times = (count: number, text: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');
/** A document whose fragments double what they ask for with each level. */
export const doubling = (levels: number): string =>
  `{ me { ...F0 } } ${times(levels, (i) => `fragment F${i} on User { ...F${i + 1} ...F${i + 1} }`)} fragment F${levels} on User { id }`;
/** A document that goes from users to their reviews and back. */
export const friends = (depth: number, inner = 'id'): string =>
  `{ me ${'{ reviews { author '.repeat(depth)}{ ${inner} }${' } }'.repeat(depth)} }`;

/** Those that are refused: what each is, its text, and the code of its refusal. */
export const refusedDocuments: [what: string, query: string, code: string][] = [
  ['of 15,001 tokens', `{ me { ${'id '.repeat(14_996)}} }`, 'GRAPHQL_PARSE_FAILED'],
  [
    'of 15,001 tokens that is no GraphQL from there on',
    `{ me { ${'id '.repeat(15_000)} ? `,
    'GRAPHQL_PARSE_FAILED',
  ],
  ['nested 3,000 levels', friends(1_500), 'MAX_DEPTH_LIMIT'],
  ['nested 20,000 levels', friends(10_000), 'MAX_DEPTH_LIMIT'],
  ['nested 40 levels', friends(20), 'MAX_DEPTH_LIMIT'],
  ['nested 3,000 inline fragments', `{me{${'...{'.repeat(3_000)}id${'}'.repeat(3_000)}}}`, 'MAX_DEPTH_LIMIT'],
  [
    'with a literal 3,000 levels deep',
    `{ user(id: ${'['.repeat(3_000)}${']'.repeat(3_000)}) { id } }`,
    'MAX_DEPTH_LIMIT',
  ],
  [
    'with a type 3,000 levels deep',
    `query ($a: ${'['.repeat(3_000)}ID${']'.repeat(3_000)}) { me { id } }`,
    'MAX_DEPTH_LIMIT',
  ],
  ['with 1,000 aliases', `{ ${times(1_000, (i) => `a${i}: me { id }`)} }`, 'MAX_ALIASES_LIMIT'],
  [
    'with 1,000 aliases below the root',
    `{ me { ${times(1_000, (i) => `a${i}: id`)} } }`,
    'MAX_ALIASES_LIMIT',
  ],
  ['with 100 root fields', `{ ${'me { id } '.repeat(100)} }`, 'MAX_ROOT_FIELDS_LIMIT'],
  [
    'with 100 root fields in a fragment',
    `{ ...F } fragment F on Query { ${'me { id } '.repeat(100)} }`,
    'MAX_ROOT_FIELDS_LIMIT',
  ],
  [
    'with 100 mutations',
    `mutation { ${times(100, () => 'rename(id: "u66", name: "x") { id }')} }`,
    'MAX_ROOT_FIELDS_LIMIT',
  ],
  ['with one field 16,000 times', `{ me { ${'id '.repeat(16_000)} } }`, 'GRAPHQL_PARSE_FAILED'],
  [
    'with one object field 3,000 times',
    `{ me { ${'reviews { id } '.repeat(3_000)} } }`,
    'MAX_SELECTIONS_LIMIT',
  ],
  ['with 5,000 directives', `{ me { id ${'@include(if: true) '.repeat(2_000)} } }`, 'MAX_DIRECTIVES_LIMIT'],
  ['with 5,000 directives without arguments', `{ me { id ${'@a '.repeat(5_000)} } }`, 'MAX_DIRECTIVES_LIMIT'],
  ['with 990 unknown fields', `{ me { ${times(990, (i) => `f${i}`)} } }`, 'GRAPHQL_VALIDATION_FAILED'],
  [
    'with one argument 3,000 times',
    `{ user(${'id: "u66" '.repeat(3_000)}) { id } }`,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'with one variable 3,000 times',
    `query (${'$id: ID '.repeat(3_000)}) { user(id: $id) { id } }`,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'with a circle of fragments',
    '{ me { ...A } } fragment A on User { id ...B } fragment B on User { ...A }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'with a circle of fragments beside a sibling',
    '{ me { name ...A } } fragment A on User { reviews { author { ...A } } id }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'with a circle of fragments behind an @include',
    'query ($a: Boolean = false) { me { ...A @include(if: $a) } } fragment A on User { id ...A @include(if: $a) }',
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['with fragments that double 10 times', doubling(10), 'MAX_SELECTIONS_LIMIT'],
  ['with fragments that double 24 times', doubling(24), 'MAX_SELECTIONS_LIMIT'],
  ['with fragments that double 30 times', doubling(30), 'MAX_DEPTH_LIMIT'],
  ['that asks for the schema', '{ __schema { types { name } } }', 'INTROSPECTION_DISABLED'],
  [
    'that asks for the schema under an alias',
    '{ me: __type(name: "User") { name } }',
    'INTROSPECTION_DISABLED',
  ],
  [
    'that asks for the schema in a fragment',
    '{ ...F } fragment F on Query { __schema { types { name } } }',
    'INTROSPECTION_DISABLED',
  ],
  ['that costs too much', friends(5, 'name'), 'MAX_COST_LIMIT'],
];
