/** Supergraphs and operations that are hard to plan. */

const link =
  'schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }';
const graphs = (count) =>
  `enum join__Graph { ${Array.from({ length: count }, (_, i) => `G${i} @join__graph(name: "g${i}", url: "http://g${i}.test")`).join(' ')} }`;
const times = (count, text) => Array.from({ length: count }, (_, i) => text(i)).join(' ');

/** Types that are in some subgraphs each, with fields of each of these, and of other types. */
export function largeSupergraph(types, subgraphs) {
  const of = (i, j) => `G${(i * 7 + j * 31) % subgraphs}`;
  const type = (i) => `type T${i} ${times(3, (j) => `@join__type(graph: ${of(i, j)}, key: "id")`)} {
    id: ID! ${times(9, (f) => `f${f}(first: Int = 10): String @join__field(graph: ${of(i, f % 3)})`)}
    next: T${(i * 3 + 1) % types} @join__field(graph: ${of(i, 0)}) other: [T${(i * 5 + 2) % types}!] @join__field(graph: ${of(i, 1)}) }`;
  const root = `type Query ${times(subgraphs, (i) => `@join__type(graph: G${i})`)} { ${times(subgraphs, (i) => `t${i}: T${i} @join__field(graph: ${of(i, 0)})`)} }`;
  return `${link} ${graphs(subgraphs)} ${root} ${times(types, type)}`;
}

/** Operations of 100 to 400 fields on the supergraph of the fixture, always the same. */
export function randomOperations(count) {
  let state = 1;
  const draw = (below) => (state = (state * 48271) % 2147483647) % below;
  const leaves = {
    User: ['id', 'username', 'name'],
    Review: ['id', 'title'],
    Product: ['upc', 'name', 'price', 'inStock', 'shippingEstimate', 'weight'],
  };
  const objects = {
    User: ['reviews:Review'],
    Review: ['author:User', 'product:Product'],
    Product: ['reviews:Review'],
  };
  const selection = (type, fields, depth) => {
    const some = [];
    for (let i = 0; i < 3 + draw(4) && fields.left > 0; i++, fields.left--) {
      const all = leaves[type];
      some.push(`a${draw(1000)}_${i}: ${all[draw(all.length)]}`);
    }
    for (let i = 0; i < 1 + draw(2) && depth < 7 && fields.left > 0; i++) {
      const [name, below] = objects[type][draw(objects[type].length)].split(':');
      some.push(`b${draw(1000)}_${i}: ${name} ${selection(below, fields, depth + 1)}`);
    }
    return `{ ${some.join(' ') || '__typename'} }`;
  };
  return Array.from({ length: count }, () => {
    const fields = { left: 100 + draw(300) };
    const roots = [];
    while (fields.left > 0) {
      const [name, type] = draw(2) ? ['users', 'User'] : ['topProducts', 'Product'];
      roots.push(`r${roots.length}: ${name} ${selection(type, fields, 0)}`);
    }
    return `{ ${roots.join(' ')} }`;
  });
}

const friends = `${link} ${graphs(2)}
  type Query @join__type(graph: G0) @join__type(graph: G1) { me: User @join__field(graph: G0) }
  type User @join__type(graph: G0, key: "id") @join__type(graph: G1, key: "id") { id: ID! friend: User name: String @join__field(graph: G1) }`;

/** Entities that each subgraph knows, with a field of each. */
const entities = `${link} ${graphs(20)}
  type Query ${times(20, (i) => `@join__type(graph: G${i})`)} { ${times(20, (i) => `node${i}: Node0 @join__field(graph: G${i})`)} }
  ${times(20, (t) => `type Node${t} ${times(20, (i) => `@join__type(graph: G${i}, key: "id")`)} { id: ID! ${times(20, (i) => `n${i}: Node${(t + i) % 20} @shareable @join__field(graph: G${i}) @join__field(graph: G${(i + 7) % 20}) v${i}: Int @join__field(graph: G${i})`)} }`)}`.replaceAll(
  ' @shareable',
  '',
);
const bomb = (depth) =>
  depth === 0
    ? `${times(20, (i) => `v${i}`)}`
    : times(6, (i) => `n${(i * 3 + depth) % 20} { v${i} ${bomb(depth - 1)} }`);

/** An interface of so many types, whose fields are of one or the other of two subgraphs. */
const explosion = (types) => `${link} ${graphs(2)}
  type Query @join__type(graph: G0) @join__type(graph: G1) { i: I @join__field(graph: G0) }
  interface I @join__type(graph: G0) @join__type(graph: G1) { id: ID! name: String o: I }
  ${times(
    types,
    (
      i,
    ) => `type T${i} implements I @join__implements(graph: G0, interface: "I") @join__implements(graph: G1, interface: "I")
    @join__type(graph: G0, key: "id") @join__type(graph: G1, key: "id")
    { id: ID! name: String @join__field(graph: G${(i + 1) % 2}) o: I @join__field(graph: G${i % 2}) }`,
  )}`;
const nested = (depth) => (depth === 0 ? 'name' : `name o { ${nested(depth - 1)} }`);

export const hostileOperations = () => [
  {
    name: 'many entities of 20 subgraphs',
    sdl: entities,
    operation: `{ node0 { ${bomb(3)} } node1 { ${bomb(3)} } }`,
  },
  { name: 'an interface of 30 types at depth 3', sdl: explosion(30), operation: `{ i { ${nested(3)} } }` },
  { name: 'an interface of 300 types at depth 2', sdl: explosion(300), operation: `{ i { ${nested(2)} } }` },
  {
    name: 'fragments that unfold to 100,000 fields',
    sdl: friends,
    operation: `{ me { ...F0 } } ${times(16, (i) => `fragment F${i} on User { a${i}: friend { ...F${i + 1} } b${i}: friend { ...F${i + 1} } }`)} fragment F16 on User { id name }`,
  },
  {
    name: '500 levels',
    sdl: friends,
    operation: `{ me${'{ name friend'.repeat(500)} { id }${' }'.repeat(500)} }`,
  },
  {
    name: '2,000 aliases',
    sdl: friends,
    operation: `{ me { ${times(2000, (i) => `a${i}: friend { name id }`)} } }`,
  },
  {
    name: '2,000 aliases of a root field',
    sdl: friends,
    operation: `{ ${times(2000, (i) => `a${i}: me { name id }`)} }`,
  },
  {
    name: '2,000 aliases of leaves',
    sdl: friends,
    operation: `{ me { ${times(2000, (i) => `a${i}: name`)} } }`,
  },
];
