/**
 * Graphs in which planning is easily wrong, by what makes it so. Each operation is answered as one schema would answer it,
 * with each value of its variables and several worlds of data; `calls` are those of its plan where they matter. Over 300
 * lines: each trap has its graph here.
 */
import '../support/fast-graphql';
import { parse } from 'graphql';
import { RandomWorld } from '../support/random-world';
import { type Difference, differenceOf, report } from './case';
import { composeGraph, type Graph, startEngine } from './systems';

interface Trap {
  readonly subgraphs: Readonly<Record<string, string>>;
  readonly operations: readonly string[];
  readonly variables?: readonly Readonly<Record<string, unknown>>[];
  /** The calls of each operation, where nothing is null. @default whichever */
  readonly calls?: readonly string[];
}

/** The key of `T` in one subgraph holds a value that is found by the key of `T` in another one. Subgraphs are tried by name. */
const keysThatNeedKeys = (needing: string, found: string) => ({
  s: `
    type Query { t: T! }
    type T @key(fields: "upc") { upc: ID! other: Other! @shareable }
    type Other @shareable { t: T! }`,
  r: `
    type Other @key(fields: "t { id }") { t: T! @shareable k: ID! @shareable }
    type T @key(fields: "id", resolvable: false) { id: ID! }`,
  [found]: `type T @key(fields: "upc") @key(fields: "id") { upc: ID! id: ID! }`,
  [needing]: `
    type T @key(fields: "other { k }") { other: Other! @shareable label: String }
    type Other { k: ID! @shareable }`,
});

const flags = [
  { a: true, b: true },
  { a: true, b: false },
  { a: false, b: true },
  { a: false, b: false },
];

const boxes = {
  alpha: `
    type Query { box: Box! boxes: [Box!]! }
    type Box @key(fields: "id") { id: ID! size: String! tone: Int! }`,
  beta: `
    type Box @key(fields: "id") {
      id: ID!
      size: String! @external
      tone: Int! @external
      plain: String!
      label: String! @requires(fields: "size")
      fee: String! @requires(fields: "tone")
    }`,
};

const narrowAndWide = {
  alpha: `
    type Query { a: Int }
    type Mutation { make: Box! @shareable }
    type Box @key(fields: "id") { id: ID! }`,
  beta: `
    type Mutation { make: Box! @shareable }
    type Box @key(fields: "id") { id: ID! name: String! }`,
};

const traps: Readonly<Record<string, Trap>> = {
  '@provides below a field that requires others': {
    subgraphs: {
      alpha: `
        type Query { box: Box! @provides(fields: "label { text }") }
        type Box @key(fields: "id") { id: ID! size: Int! @external label: Label! @requires(fields: "size") }
        type Label @key(fields: "id") { id: ID! text: String! @external }`,
      beta: `
        type Box @key(fields: "id") { id: ID! size: Int! }
        type Label @key(fields: "id") { id: ID! text: String! @shareable }`,
    },
    operations: ['{ box { label { text } } }'],
  },
  'a response name for __typename of one type and a field of another': {
    subgraphs: {
      alpha: `
        type Query { box: Box! things: [Thing!]! }
        type Box @key(fields: "id") { id: ID! }
        interface Thing { id: ID! }
        type Pen implements Thing { id: ID! text: String! }
        type Cup implements Thing { id: ID! }`,
      beta: `
        type Box @key(fields: "id") { id: ID! inside: [Item!]! }
        union Item = Ring | Coin
        type Ring { text: String! }
        type Coin { size: Int! }`,
    },
    operations: [
      '{ things { ... on Pen { a: text } ... on Cup { a: __typename } } }',
      '{ things { ... on Cup { a: __typename } ... on Pen { a: text } } }',
      '{ box { inside { ... on Coin { a: __typename } ... on Ring { a: text } } } }',
      '{ box { inside { __typename ... on Ring { a: text b: __typename } ... on Coin { a: __typename b: size } } } }',
    ],
  },
  'a field of a fetch that is also required, under a condition, by another field of it': {
    subgraphs: {
      alpha: `
        type Query { box: Box! }
        type Box @key(fields: "id") { id: ID! inside: [Coin!]! @shareable }
        type Coin @key(fields: "id") { id: ID! size: Int! }`,
      beta: `
        type Box @key(fields: "id") { id: ID! inside: [Coin!]! @shareable fee: Int! @requires(fields: "inside { size }") }
        type Coin @key(fields: "id", resolvable: false) { id: ID! size: Int! @external more: Int! }`,
    },
    operations: [
      'query($a: Boolean!) { box { inside { more } } box @skip(if: $a) { fee } }',
      'query($a: Boolean!) { box { inside { more } fee @include(if: $a) } }',
    ],
    variables: flags,
  },
  '@requires through the parent of a key': {
    subgraphs: {
      alpha: `
        type Query { order: Order! }
        type Order @key(fields: "of { id }") { of: User! number: Int! }
        type User @key(fields: "id") { id: ID! }`,
      beta: `
        type User @key(fields: "id") { id: ID! name: String! }`,
      gamma: `
        type Order @key(fields: "of { id }") { of: User! bill: String! @requires(fields: "of { name }") }
        type User @key(fields: "id") { id: ID! name: String! @external }`,
    },
    operations: [
      '{ order { bill } }',
      '{ order { of { id } bill number } }',
      '{ order { id: bill of { name: id } } }',
    ],
    calls: ['alpha', 'beta', 'gamma'],
  },
  '@requires of what requires something in the first subgraph': {
    subgraphs: {
      alpha: `
        type Query { box: Box! }
        type Box @key(fields: "id") { id: ID! one: Int! third: Int! @requires(fields: "two") two: Int! @external }`,
      beta: `
        type Box @key(fields: "id") {
          id: ID! one: Int! @external two: Int! @requires(fields: "one") third: Int! @external
          fourth: Int! @requires(fields: "third")
        }`,
    },
    operations: ['{ box { fourth } }', '{ box { fourth two } }', '{ box { two: one fourth } }'],
    calls: ['alpha', 'beta', 'alpha', 'beta'],
  },
  'a key whose value takes three calls': {
    subgraphs: {
      alpha: `
        type Query { t: T! }
        type T { other: Other! @shareable }
        type Other @key(fields: "a") { a: ID! }`,
      beta: `type Other @key(fields: "a") @key(fields: "b") { a: ID! b: ID! }`,
      gamma: `type Other @key(fields: "b") @key(fields: "c") { b: ID! c: ID! }`,
      delta: `type Other @key(fields: "c") @key(fields: "d") { c: ID! d: ID! }`,
      omega: `
        type T @key(fields: "other { d }") { other: Other! @shareable label: String }
        type Other @key(fields: "d", resolvable: false) { d: ID! }`,
    },
    operations: ['{ t { label } }'],
    calls: ['alpha', 'beta', 'gamma', 'delta', 'omega'],
  },
  'a key with a value that another key of its type finds, where the subgraph of the latter is first': {
    subgraphs: keysThatNeedKeys('z', 'a'),
    operations: ['{ t { label } }'],
    calls: ['s', 'a', 'r', 'z'],
  },
  'the same where the other subgraph is first': {
    subgraphs: keysThatNeedKeys('a', 'z'),
    operations: ['{ t { label } }'],
    calls: ['s', 'z', 'r', 'a'],
  },
  'a field of an interface that is also required of one of its types, as a narrower type': {
    subgraphs: {
      alpha: `
        interface Named { spot: Spot }
        interface Spot { code: ID }
        type Square implements Spot { code: ID @shareable width: Float size: Size spots: [Spot] @shareable }
        type Size { area: ID }
        type Shop implements Named @key(fields: "id") { id: ID spot: Square! @shareable around: [Named] }
        type Query { shop: Shop }`,
      beta: `
        interface Named { spot: Spot }
        interface Spot { code: ID }
        type Square implements Spot { code: ID @shareable width: Float @external }
        type Shop implements Named @key(fields: "id") {
          id: ID spot: Square @shareable around: [Named] @external
          label: Int @requires(fields: "around { ... on Shop { spot { width } } }")
        }`,
    },
    operations: [
      '{ shop { around { spot { ... on Square { size { area } } } } label } }',
      '{ shop { around { spot { code ... on Square { code size { area } } } } label } }',
    ],
  },
  'fields that several subgraphs answer together, under a condition at one of two occurrences': {
    subgraphs: {
      gamma: `
        type Query { reviews: [Review!]! }
        type Review @key(fields: "id") { id: ID! }`,
      alpha: `
        type Review @key(fields: "id") { id: ID! part: Part @shareable }
        type Part { one: Int }`,
      beta: `
        type Review @key(fields: "id") { id: ID! part: Part @shareable body: String }
        type Part { two: Int }`,
    },
    operations: ['query($a: Boolean!) { reviews @skip(if: $a) { part { one two } } reviews { body } }'],
    variables: flags,
  },
  'an interface object that is entered by one type always, and by another under a condition': {
    subgraphs: {
      alpha: `
        type Query { media: Media }
        interface Media { id: ID! }
        type Film implements Media @key(fields: "id") { id: ID! }
        type Book implements Media @key(fields: "id") { id: ID! }`,
      beta: `type Media @key(fields: "id") @interfaceObject { id: ID! rating: Int }`,
    },
    operations: [
      'query($a: Boolean!) { media { id ... on Book { rating } } media @skip(if: $a) { rating } }',
      'query($a: Boolean!) { media @include(if: $a) { ... on Film { rating } } media { ... on Book { rating } } }',
    ],
    variables: flags,
  },
  'one fetch under conditions that exclude each other, with values that are null': {
    subgraphs: {
      alpha: `
        type Query { a: Int }
        type Mutation { m: Review }
        type Review @key(fields: "id") { id: ID! }`,
      beta: `
        type Review @key(fields: "id") { id: ID! part: Part }
        type Part { one: Int two: [Boolean] three: String four: Float part: Part }`,
    },
    operations: [
      'mutation($a: Boolean!) { m @include(if: $a) { id } m { part { one part { two three four } } } }',
    ],
    variables: flags,
  },
  '@requires that is provided where it is required': {
    subgraphs: {
      alpha: `
        type Query { best: Box! @provides(fields: "size") box: Box! }
        type Box @key(fields: "id") { id: ID! size: Int! @external label: Int! @requires(fields: "size") }`,
      beta: `
        type Box @key(fields: "id") { id: ID! size: Int! @shareable }`,
    },
    operations: ['{ best { label } }', '{ box { label } }', '{ best { size } box { size label } }'],
  },
  'one name under different conditions': {
    subgraphs: boxes,
    operations: [
      'query($a: Boolean!) { box { plain } box @skip(if: $a) { label } }',
      'query($a: Boolean!) { box { label } box @skip(if: $a) { plain fee } }',
      'query($a: Boolean!, $b: Boolean!) { box @include(if: $b) { label } box @skip(if: $a) { fee } }',
      'query($a: Boolean!, $b: Boolean!) { box { label @skip(if: $a) fee @skip(if: $b) } }',
      'query($a: Boolean!) { box { ... @skip(if: $a) { label plain } plain } boxes @include(if: $a) { fee } }',
      'query($a: Boolean!, $b: Boolean!) { box { ... @skip(if: $a) { ... @skip(if: $b) { label } } fee @include(if: $a) } }',
    ],
    variables: flags,
  },
  'required fields of some types, of which a condition leaves out some': {
    subgraphs: {
      alpha: `
        type Query { box: Box }
        type Box @key(fields: "id") { id: ID! }`,
      beta: `
        type Box @key(fields: "id") { id: ID! found: [Found] }
        union Found = One | Two
        type One @shareable { size: Inner code: Int }
        type Two @shareable { size: Inner name: Int }
        type Inner @shareable { wide: Int }`,
      gamma: `
        type Box @key(fields: "id") {
          id: ID! found: [Found] @external
          first: String @requires(fields: "found { ... on One { size { wide } code } }")
          second: String @requires(fields: "found { ... on Two { size { wide } name } }")
        }
        union Found = One | Two
        type One @shareable { size: Inner code: Int }
        type Two @shareable { size: Inner name: Int }
        type Inner @shareable { wide: Int }`,
    },
    operations: [
      'query($a: Boolean!) { box { first } box @skip(if: $a) { second } }',
      'query($a: Boolean!) { box { second } box @skip(if: $a) { first second } }',
      'query($a: Boolean!) { box { second first @skip(if: $a) } }',
    ],
    variables: flags,
  },
  'visits that are joined, of which one has a condition': {
    subgraphs: {
      ...boxes,
      gamma: `
        type Box @key(fields: "id") { id: ID! plain: String! @external all: String! @requires(fields: "plain") }`,
    },
    operations: [
      'query($a: Boolean!) { box { all @skip(if: $a) label fee } }',
      'query($a: Boolean!) { box { all label @skip(if: $a) fee @include(if: $a) } }',
    ],
    variables: flags,
  },
  'a value type that is split over subgraphs': {
    subgraphs: {
      alpha: `
        type Query { box: Box! size: Size @shareable }
        type Box @key(fields: "id") { id: ID! size: Size @shareable inner: Inner! @shareable }
        type Inner @shareable { size: Size }
        type Size { width: Int @shareable depth: Int }`,
      beta: `
        type Query { size: Size @shareable }
        type Box @key(fields: "id") { id: ID! size: Size @shareable inner: Inner! @shareable }
        type Inner @shareable { size: Size }
        type Size { width: Int @shareable height: Int }`,
    },
    operations: [
      '{ size { width height depth } }',
      '{ box { size { depth height } } }',
      '{ box { inner { size { height } } } }',
      '{ box { inner { size { depth height } } size { h: height } } }',
    ],
  },
  'a split value behind an interface, of types that one subgraph does not know': {
    subgraphs: {
      alpha: `
        type Query { any: Any @shareable anys: [Any] @shareable }
        interface Any { name: Int }
        type One implements Any { name: Int @shareable width: Int }
        type Two implements Any { name: Int @shareable width: Int @shareable }`,
      beta: `
        type Query { any: Any @shareable anys: [Any] @shareable }
        interface Any { name: Int }
        type One implements Any { name: Int @shareable height: Int }
        type Two implements Any { name: Int @shareable width: Int @shareable }`,
    },
    operations: [
      '{ any { ... on One { width height } ... on Two { width } } }',
      '{ anys { name ... on One { height } } }',
      '{ anys { __typename ... on One { width } ... on Two { name } ... on One { height } } }',
    ],
  },
  'a mutation that one of its subgraphs answers alone': {
    subgraphs: narrowAndWide,
    operations: ['mutation { make { id name } }'],
    calls: ['beta'],
  },
  'mutations of one subgraph, which run in the order of the client': {
    subgraphs: {
      alpha: `
        type Query { a: Int }
        type Mutation { next: ID  make: Box }
        type Box { id: ID }`,
    },
    operations: [
      'mutation { next make { id } again: next }',
      'mutation { make { id } next again: make { id } }',
    ],
  },
  'one name of an interface, once for all its objects and once for each type': {
    subgraphs: {
      alpha: `
        type Query { a: Int }
        type Media @key(fields: "id") @interfaceObject { id: ID named: Named }
        interface Named { spot: Spot }
        interface Spot { wide: Float }
        type Square implements Spot { wide: Float }
        type Peak implements Spot @key(fields: "id") { id: ID wide: Float! }
        type Size implements Named { spot: Peak! @shareable }`,
      beta: `
        type Query { media: Media }
        interface Media @key(fields: "id") { id: ID }
        type Song implements Media @key(fields: "id") { id: ID size: Size }
        type Square { far: Float }
        type Peak @key(fields: "id", resolvable: false) { id: ID }
        type Size { spot: Peak @shareable }`,
    },
    operations: [
      'query($a: Boolean!) { media { named { spot @include(if: $a) { wide } spot { ... on Square { far } } } } }',
    ],
    variables: flags,
  },
  '@provides on the field of an object, not on that of its interface': {
    subgraphs: {
      alpha: `
        type Query { holder: Holder! holders: [Holder!]! }
        interface Holder { box: Box! }
        type Shelf implements Holder { box: Box! @provides(fields: "size") }
        type Bag implements Holder { box: Box! }
        type Box @key(fields: "id") { id: ID! size: Int! @external }`,
      beta: 'type Box @key(fields: "id") { id: ID! size: Int! @shareable }',
    },
    operations: [
      '{ holders { box { size } } }',
      '{ holder { ... on Shelf { box { size } } ... on Bag { box { size } } } }',
      '{ holders { ... on Shelf { box { size } } box { id } } }',
    ],
  },
  'a key whose fields are external in the subgraph that an entity comes from': {
    subgraphs: {
      alpha: 'type Query { box: Box! } type Box @key(fields: "id") { id: ID! size: Int! }',
      beta: `
        type Query { other: Box! }
        type Box @key(fields: "id") @extends { id: ID! @external plain: Int! }`,
    },
    operations: ['{ other { id plain } }', '{ other { id size } }', '{ box { id plain } }'],
  },
  'a key whose field is external, and so not resolved, in one of the subgraphs that have the entity': {
    subgraphs: {
      alpha: `
        type Query { node: Node @shareable }
        interface Node { id: ID! }
        type Box implements Node @key(fields: "id") { id: ID! size: Int! }
        type Bag implements Node @key(fields: "id") { id: ID! @external box: Box }`,
      beta: `
        type Query { node: Node @shareable bag: Bag }
        interface Node { id: ID! }
        type Box implements Node @key(fields: "id") { id: ID! @external bags: [Bag!]! }
        type Bag implements Node @key(fields: "id") { id: ID! text: String! }`,
    },
    operations: [
      '{ node { ... on Bag { id } } }',
      '{ node { ... on Box { id } } }',
      '{ node { ... on Box { id size } ... on Bag { id text } } }',
      '{ bag { id text box { id } } }',
    ],
  },
  'mutations of which each runs where the other does not': {
    subgraphs: {
      alpha: `
        type Query { a: Int }
        type Mutation { make: Box! @shareable }
        type Box @key(fields: "id") { id: ID! size: Int! }`,
      beta: `
        type Mutation { make: Box! @shareable }
        type Box @key(fields: "id") { id: ID! name: String! @shareable }`,
      gamma: 'type Box @key(fields: "id") { id: ID! name: String! @shareable }',
    },
    operations: [
      'mutation ($a: Boolean!) { one: make @skip(if: $a) { size } two: make @include(if: $a) { name } }',
      'mutation ($a: Boolean!) { make @skip(if: $a) { size } make @include(if: $a) { name } }',
    ],
    variables: [{ a: true }],
    calls: ['beta'],
  },
  'mutations of which only a later one needs a certain subgraph': {
    subgraphs: narrowAndWide,
    operations: ['mutation { one: make { id } two: make { name } }'],
    calls: ['beta'],
  },
  'a root field that a subgraph answers whole, where another one is called anyway, and calls it after that': {
    subgraphs: {
      alpha: `
        type Query { order: Order! @shareable }
        type Order @key(fields: "id") { id: ID! total: Int! }
        type User @key(fields: "id") { id: ID! name: String! }`,
      beta: `
        type Query { order: Order! @shareable user: User! }
        type Order @key(fields: "id") { id: ID! }
        type User @key(fields: "id") { id: ID! }`,
    },
    operations: ['{ order { total } user { name } }'],
    calls: ['beta', 'alpha'],
  },
  'a field that two subgraphs answer, of which another field needs the second': {
    subgraphs: {
      alpha: `
        type Query { box: Box! lid: Lid! }
        type Box @key(fields: "id") { id: ID! }
        type Lid @key(fields: "id") { id: ID! }`,
      beta: 'type Box @key(fields: "id") { id: ID! name: String! @shareable }',
      gamma: `
        type Box @key(fields: "id") { id: ID! name: String! @shareable }
        type Lid @key(fields: "id") { id: ID! size: Int! }`,
    },
    operations: ['{ box { name } lid { size } }', '{ lid { size } box { name } }'],
    calls: ['alpha', 'gamma'],
  },
  'a mutation that several subgraphs resolve': {
    subgraphs: {
      alpha: `
        type Query { a: Int }
        type Mutation { make: Made @shareable }
        type Made { name: Int @shareable }`,
      beta: `
        type Mutation { make: Made @shareable }
        type Made { name: Int @shareable height: Int }`,
    },
    operations: [
      'mutation { make { name height } }',
      'mutation { one: make { height } two: make { name height } }',
    ],
  },
  'an interface of which a subgraph has no object': {
    subgraphs: {
      alpha: `
        type Query { media: Media medias: [Media] }
        interface Media @key(fields: "id") { id: ID! title: Int }
        type Book implements Media @key(fields: "id") { id: ID! title: Int }
        type Film implements Media @key(fields: "id") { id: ID! title: Int }`,
      beta: `
        type Query { shelf: Shelf }
        type Shelf { media: Media! }
        type Media @interfaceObject @key(fields: "id", resolvable: false) { id: ID! }`,
      gamma: `
        type Media @interfaceObject @key(fields: "id") {
          id: ID! stars: Int title: Int @external both: Int @requires(fields: "title")
        }`,
    },
    operations: [
      '{ shelf { media { id stars } } }',
      '{ shelf { media { id } } }',
      '{ shelf { media { __typename both } } }',
      '{ medias { ... on Book { both } ... on Film { stars } } }',
      '{ shelf { media { ... on Book { id stars } } } }',
    ],
  },
  'names of the client that the plan would give to what it needs': {
    subgraphs: {
      alpha: `
        type Query { box: Box! boxes: [Box!]! any: Any }
        union Any = Box | Bag
        type Bag @key(fields: "code") { code: String! size: Int! name: String! }
        type Box @key(fields: "id") { id: ID! size: Int! name: String! link: Box! }`,
      beta: `
        type Bag @key(fields: "code") { code: String! size: Int! @external fee: Int! @requires(fields: "size") }
        type Box @key(fields: "id") {
          id: ID! size: Int! @external link: Box! @external
          fee: Int! @requires(fields: "size") far: Int! @requires(fields: "link { size }")
        }`,
    },
    operations: [
      '{ box { id: name size: id fee } }',
      '{ box { size: name far link: fee } }',
      '{ box { link { size: name } far } }',
      '{ box { l: link { id: name size: id } link { name } far } }',
      '{ box { _0_id: size id: name _0_size: name size: id fee } }',
      '{ any { ... on Box { size: name fee } ... on Bag { size: name code: name fee } } }',
      '{ any { ... on Box { code: name fee } ... on Bag { id: name fee size } } }',
      '{ boxes { __typename id: __typename fee: size size: fee } }',
    ],
  },
  'a context takes a field below its object, which a later fetch of the subgraph could bring': {
    subgraphs: {
      alpha: `
        type Query { owner: Owner! } type Owner @key(fields: "id") { id: ID! shelf: Shelf! }
        type Shelf @key(fields: "id") { id: ID! }`,
      beta: `
        type Shelf @key(fields: "id") { id: ID! x: Int! } type Z @key(fields: "id") { id: ID! v: Int! }`,
      gamma: `
        type Owner @key(fields: "id") @context(name: "owner") { id: ID! shelf: Shelf! @external items: [Item!]! }
        type Shelf { x: Int! @external }
        type Item @key(fields: "id") {
          id: ID! price(x: Int @fromContext(field: "$owner { shelf { x } }")): Int! z: Z!
        }
        type Z @key(fields: "id") { id: ID! }`,
    },
    operations: ['{ owner { items { price z { v } } } }', '{ owner { items { z { v } } items { price } } }'],
  },
  'an object sets a context that is set around it, for arguments that are known at different stages': {
    subgraphs: {
      alpha: `
        type Query { owner: Owner }
        type Owner @key(fields: "id") @context(name: "owner") { id: ID! tone: Int label: Label loft: Loft }
        type Loft @key(fields: "id") @context(name: "owner") { id: ID! tone: Int label: Label stored: [Owned] }
        type Label @key(fields: "id") { id: ID! ink: String @external }
        type Owned @key(fields: "id") {
          id: ID!
          read(ink: String @fromContext(field: "$owner { label { ink } }")): String
          heard(tone: Int @fromContext(field: "$owner { tone }")): String
        }`,
      beta: `type Label @key(fields: "id") { id: ID! ink: String }`,
    },
    operations: [
      '{ owner { loft { stored { read heard } } } }',
      '{ owner { loft { stored { heard read } } } }',
    ],
  },
};

const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@requires", "@provides", "@external", "@shareable", "@override", "@interfaceObject", "@inaccessible", "@extends", "@context", "@fromContext"])`;
const worlds = [1, 2, 3, 4, 5];

test.each(Object.entries(traps))('%s', async (_name, { subgraphs, operations, variables = [{}], calls }) => {
  const sources = Object.entries(subgraphs).map(([name, types]) => ({ name, typeDefs: header + types }));
  for (const seed of worlds) {
    const graph = composeGraph(sources, new RandomWorld(seed, sources, 0));
    if (Array.isArray(graph)) throw new Error(graph.join('\n'));
    for (const source of operations)
      for (const given of variables) {
        const operation = {
          source,
          document: parse(source),
          variables: withDeclared(source, given),
          operationName: undefined,
        };
        const called: string[] = [];
        const engine = startEngine(graph, { onCall: (name) => void called.push(name) });
        await refuse(graph, seed, operation, await differenceOf(graph, engine, operation));
        if (calls !== undefined) expect(called).toEqual(calls);
      }
  }
});

/** Of the variables those that an operation declares. */
const withDeclared = (
  source: string,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => source.includes(`$${name}:`)));

async function refuse(
  graph: Graph,
  worldSeed: number,
  operation: Parameters<typeof report>[1],
  difference: Difference | undefined,
): Promise<void> {
  if (difference !== undefined) throw new Error(await report({ graph, worldSeed }, operation, difference));
}
