/**
 * What random operations have found wrong, each as small as it could be made: defects of the planner that are mended
 * around it, of Apollo's executor that the engine must not share, and of the engine itself.
 *
 * The data behind is a `RandomWorld` without failures; `worlds` is how many of them are asked. Over 300 lines: a graph
 * for each finding.
 */
import '../support/fast-graphql';
import { parse } from 'graphql';
import { RandomWorld } from '../support/random-world';
import { differenceFromMerged } from './compare';
import { faultsOf } from './faults';
import { answerMerged, composeGraph, type Graph, startEngine } from './systems';

interface Regression {
  readonly subgraphs: Readonly<Record<string, string>>;
  readonly operation: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** How often things fail. @default 0 */
  readonly trouble?: number;
  /** The subgraphs that are called, where nothing fails. @default whichever */
  readonly calls?: readonly string[];
}

const keys = {
  alpha: `
    type Query { user: User! }
    type User @key(fields: "id region") { id: ID! region: Int! name: String! }`,
  beta: `
    type User @key(fields: "id region") { id: ID! region: Int! other: String! }`,
};

const prices = {
  alpha: `
    type Query { product: Product! }
    type Product @key(fields: "id") { id: ID! name: String price(in: Int = 0): String! size: Size! }
    type Size @shareable { width(in: Int): String! }`,
  beta: `
    type Product @key(fields: "id") {
      id: ID!
      price(in: Int = 0): String! @external
      size: Size! @external
      tax: String! @requires(fields: "price(in: 1)")
      fee: String! @requires(fields: "price(in: 2)")
      vat: String! @requires(fields: "price(in: 2) size { width(in: 3) }")
      plain: String!
    }
    type Size @shareable { width(in: Int): String! }`,
};

const noted = {
  alpha: `
    type Order implements Named @key(fields: "id") { id: ID! label: String @shareable }
    interface Named { label: String }`,
  beta: `
    type Query { box: Box! }
    type Mutation { count: Int found: Found! }
    union Found = Order | Note
    interface Named { label: String }
    type Box @key(fields: "id") { id: ID! found: [Found!]! }
    type Order @key(fields: "id") { id: ID! }
    type Note implements Named @shareable { label: String text: String! }`,
  gamma: `
    union Found = Order | Note
    interface Named { label: String }
    type Box @key(fields: "id") {
      id: ID!
      found: [Found!]! @external
      sum: Int @requires(fields: "found { ... on Note { text } ... on Named { label } }")
    }
    type Order implements Named @key(fields: "id") { id: ID! label: String @shareable }
    type Note implements Named @shareable { label: String text: String! }`,
  delta: `
    type Order implements Named @key(fields: "id") { id: ID! label: String @shareable }
    interface Named { label: String }`,
};

const conditions = {
  alpha: `
    type Query { user: User! }
    type User @key(fields: "id") {
      id: ID!
      first: String! @external
      second: String! @external
      needsFirst: String! @requires(fields: "first")
      needsSecond: String! @requires(fields: "second")
    }`,
  beta: `
    type User @key(fields: "id") { id: ID! first: String! second: String! }`,
};

const mutations = {
  alpha: `
    type Query { unused: Int }
    type Mutation { first: Done! }
    type Done @shareable { one: String! two: String! }`,
  beta: `
    type Mutation { second: String! }`,
};

const interfaceObject = {
  alpha: `
    type Query { media: [Media!]! }
    type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int! related: Media! }`,
  beta: `
    interface Media @key(fields: "id") { id: ID! }
    interface Named { label: String! }
    type Film implements Media & Named @key(fields: "id") { id: ID! label: String! }
    type Song implements Media @key(fields: "id") { id: ID! title: String! }`,
};

/** What tells the type of an object, and what a field of another subgraph requires, is asked of one subgraph. */
const twoObjects = {
  alpha: `
    type Query { one: Media! many: [Media!]! }
    type Mutation { media: Media! }
    type Media @interfaceObject @key(fields: "id") { id: ID! related: Media! }`,
  beta: `
    interface Media @key(fields: "id") { id: ID! title: String! sub: String! }
    type Film implements Media @key(fields: "id") { id: ID! title: String! sub: String! sku: ID! }
    type Song implements Media @key(fields: "id") { id: ID! title: String! sub: String! code: ID! }`,
  gamma: `
    type Media @interfaceObject @key(fields: "id") {
      id: ID!
      title: String! @external
      label: String! @requires(fields: "title")
      next: Media! @requires(fields: "title")
    }`,
};

const ratings = {
  alpha: `
    type Query { media: [Media!] named: [Named!] }
    interface Media @key(fields: "id") { id: ID! owner: Owner }
    interface Named { id: ID! }
    type Film implements Media & Named @key(fields: "id") { id: ID! owner: Owner }
    type Song implements Media & Named @key(fields: "id") { id: ID! owner: Owner }
    type Owner @key(fields: "id") { id: ID! }`,
  beta: `
    type Media @interfaceObject @key(fields: "id") {
      id: ID! rating(in: Int): Int! votes: Int! note: Note maker: Owner
    }
    type Note { one: Int! two: Int! }
    type Owner @key(fields: "id") { id: ID! }`,
  gamma: `
    type Owner @key(fields: "id") { id: ID! age: Int! size: Int! }`,
};

const contexts = {
  alpha: `
    type Query { owners: [Owner!]! }
    type Owner @key(fields: "id") @context(name: "owner") { id: ID! tone: String! other: String! box: Box! }
    type Box { owned: Owned! }
    type Owned @key(fields: "id") {
      id: ID!
      told(tone: String @fromContext(field: "$owner { tone }")): String!
    }`,
  beta: `
    type Owned @key(fields: "id") { id: ID! plain: Int! }`,
};

/** Two arguments of one name that take different values of one context. */
const twoOfOneContext = {
  alpha: `
    type Query { owner: Owner! }
    type Owner @key(fields: "id") @context(name: "owner") { id: ID! tone: String! other: String! box: Box! }
    type Box @key(fields: "id") {
      id: ID!
      one(value: String @fromContext(field: "$owner { tone }")): String!
      two(value: String @fromContext(field: "$owner { other }")): String!
    }`,
};

/** Objects of an interface set a context that an object around them sets, too. */
const contextWithin = {
  alpha: `
    type Query { owner: Owner! }
    type Owner @key(fields: "id") @context(name: "owner") { id: ID! tone: String! inner: Inner! }
    interface Inner { box: Box! }
    type Room implements Inner @key(fields: "id") @context(name: "owner") { id: ID! tone: String! box: Box! }
    type Hall implements Inner @key(fields: "id") { id: ID! box: Box! }
    type Box @key(fields: "id") { id: ID! one(value: String @fromContext(field: "$owner { tone }")): String! }`,
};

/** Types of an interface are alike but for what the field needs that a context takes. */
const unlikeContexts = {
  alpha: `
    interface Inner { box: Box! }
    type Hall implements Inner @key(fields: "id") @context(name: "owner") { id: ID! tone: String! box: Box! }
    type Room implements Inner @key(fields: "id") @context(name: "owner") {
      id: ID! size: Int! @external tone: String! @requires(fields: "size") box: Box!
    }
    type Box @key(fields: "id") { id: ID! one(value: String @fromContext(field: "$owner { tone }")): String! }
    type Query { inners: [Inner!]! }`,
  beta: `
    type Hall @key(fields: "id") { id: ID! size: Int! }
    type Room @key(fields: "id") { id: ID! size: Int! }`,
};

/** The key of a subgraph is a value of which each other subgraph holds a part. */
const keyInParts = {
  alpha: `
    type Query { box: Box! }
    type Box @key(fields: "id") { id: ID! owner: Owner! @shareable }
    type Owner @shareable { one: Int! }`,
  beta: `
    type Box @key(fields: "id") { id: ID! owner: Owner! @shareable }
    type Owner @shareable { two: Int! }`,
  gamma: `
    type Box @key(fields: "owner { one two }") { owner: Owner! @shareable size: Int! }
    type Owner @shareable { one: Int! two: Int! }`,
};

/** The subgraph of a field is entered by keys that others supply. */
const keysOnTheWay = {
  alpha: `
    type User @key(fields: "id") @key(fields: "org { number }") { id: ID! org: Org! @shareable }
    type Org @shareable { number: ID! }`,
  beta: `
    type Query { user: User }
    type User @key(fields: "org { number }") { org: Org! @shareable }
    type Org @shareable { number: ID! }`,
  gamma: `
    type User @key(fields: "id") { id: ID! shade: String }`,
};

const lists = {
  alpha: `
    type Query { user: User! }
    type User @key(fields: "id") { id: ID! notes: [[Note]] @shareable }
    type Note @shareable { one: String! }`,
  beta: `
    type User @key(fields: "id") { id: ID! notes: [[Note]] @shareable }
    type Note @shareable { two: Int }`,
};

/** Where `Query` and the fields that require something are of one subgraph. */
const tripped = {
  alpha: `
    type Product @key(fields: "id") { id: ID! name: String! }`,
  beta: `
    type Query { box: Box! }
    type Box { product: Product! other: Int! }
    type Product @key(fields: "id") {
      id: ID!
      name: String! @external
      label: String! @requires(fields: "name")
      twin: Product! @requires(fields: "name")
    }`,
};

/** Types of a union whose field differs in what it may be: the merged schema takes the wider one. */
const unlike = {
  alpha: `
    type Query { found: [Found!]! }
    union Found = User | Admin
    type User @shareable { id: ID! code: Code! }
    type Admin { id: ID code: Code }
    type Code @shareable { number: Int! }`,
  beta: `
    type Query { user: User! }
    type User @shareable { id: ID code: Code }
    type Code @shareable { number: Int! }`,
};

const namespaces = {
  alpha: `
    type Query { shop: Shop! shops: [Shop]! }
    type Shop @key(fields: "__typename") { a: Int! }`,
  beta: `
    type Shop @key(fields: "__typename") { b: Int! price: Int! @external sum: Int! @requires(fields: "price") }`,
  gamma: `
    type Shop @key(fields: "__typename") { price: Int! }`,
};

const hollow = {
  alpha: `
    type Query { media: Media list: [Media] box: Box! }
    type Box { media: Media }
    interface Media @key(fields: "id") { id: ID! title: String }`,
  beta: `
    type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int }`,
};

const executable = `
  directive @note(text: String, on: Boolean) on FIELD
  directive @part(text: String) on INLINE_FRAGMENT | FRAGMENT_SPREAD
  directive @spread on FRAGMENT_SPREAD`;

const directives = {
  alpha: `
    ${executable}
    type Query { user: User! }
    type Mutation { first: User! }
    type User @key(fields: "id") { id: ID! name: String! }`,
  beta: `
    ${executable}
    type User @key(fields: "id") { id: ID! other: String! }`,
};

const manyNames = Array.from({ length: 400 }, (_, i) => `size${i}`);

const regressions: Readonly<Record<string, Regression>> = {
  'comes back to a subgraph by a key that it resolves, though another is listed first': {
    subgraphs: {
      alpha: `
        type Product @key(fields: "id") @key(fields: "sku") { id: ID! sku: String! weight: Int! }`,
      beta: `
        type Query { product: Product! }
        type Product @key(fields: "sku", resolvable: false) @key(fields: "id") {
          id: ID! sku: String! weight: Int! @external price: Int! @requires(fields: "weight")
        }`,
    },
    operation: '{ product { price } }',
  },
  'does not take another field for a key that has the name of its alias': {
    subgraphs: keys,
    operation: '{ user { id: name other } }',
  },
  'keeps what goes by the name of a key apart from it, where that is zero': {
    subgraphs: keys,
    operation: '{ user { region: name id: region other } }',
  },
  'does not take another field for a required one that has the name of its alias': {
    subgraphs: prices,
    operation: '{ product { price: name tax } }',
  },
  'keeps the client’s arguments of a field from another field’s requirement': {
    subgraphs: prices,
    operation: '{ product { price(in: 5) tax } }',
  },
  'keeps the arguments of a requirement from the client’s': {
    subgraphs: prices,
    operation: '{ product { tax price } }',
  },
  'fulfils two requirements of one field with different arguments': {
    subgraphs: prices,
    operation: '{ product { tax plain fee vat price } }',
  },
  'does not take another field for a required one with arguments that goes by the name of its alias': {
    subgraphs: prices,
    operation: '{ product { price__1: name price__2: plain tax fee } }',
  },
  'keeps the arguments of a field within a requirement from the client’s': {
    subgraphs: prices,
    operation: '{ product { size { width(in: 8) } vat } }',
  },
  'answers a field that requires something beside one whose condition does not hold': {
    subgraphs: conditions,
    operation: 'query ($v: Boolean!) { user { needsFirst needsSecond @include(if: $v) } }',
    variables: { v: false },
  },
  'answers fields that require something where the conditions hold': {
    subgraphs: conditions,
    operation:
      'query ($v: Boolean!, $w: Boolean! = false) { user { needsFirst @skip(if: $w) needsSecond @include(if: $v) } }',
    variables: { v: true },
  },
  'answers beside a fragment that a condition leaves out, with a field in it that requires something': {
    subgraphs: {
      alpha: `
        type Query { user: User! }
        type User @key(fields: "sku") { sku: Int first: Boolean! }`,
      beta: `
        type User @key(fields: "id") @key(fields: "sku") {
          id: ID sku: Int friend: User! first: Boolean! @external second: ID @requires(fields: "first")
        }`,
    },
    operation:
      'query ($v: Boolean!) { user { friend { ... on User @include(if: $v) { second } ... on User { first } } } }',
    variables: { v: false },
  },
  'asks for no entity of which conditions have left out every key': {
    subgraphs: {
      alpha: `
        type Query { thing: Thing! }
        union Thing = Product | Other
        type Product @key(fields: "id") { id: ID! }
        type Other { name: String! }`,
      beta: `
        type Product @key(fields: "id") { id: ID! one: Int! two: Int! }`,
    },
    operation:
      'query ($v: Boolean!, $w: Boolean!) { thing { ... on Product @skip(if: $v) { one } ... on Product @skip(if: $w) { two } } }',
    variables: { v: true, w: true },
  },
  'runs a mutation once that stands there again with a condition that is written out': {
    subgraphs: mutations,
    operation: 'mutation { first { one } second first @include(if: true) { two } }',
  },
  'runs a mutation once that stands there again with a condition that holds': {
    subgraphs: mutations,
    operation: 'mutation ($v: Boolean!) { first { one } second first @include(if: $v) { two } }',
    variables: { v: true },
  },
  'runs a mutation where its first condition that holds is': {
    subgraphs: mutations,
    operation:
      'mutation ($v: Boolean!, $w: Boolean!) { first @include(if: $v) @skip(if: $w) { one } second ...M } fragment M on Mutation { first @skip(if: $v) { two } }',
    variables: { v: false, w: false },
  },
  'runs mutations in their order when fragments hold them': {
    subgraphs: mutations,
    operation: 'mutation { ... on Mutation { second } x: first { one } ... on Mutation { first { one } } }',
  },
  'answers an object of which every selection is left out': {
    subgraphs: keys,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { user @skip(if: $v) { name @skip(if: $w) ... @skip(if: $w) { other } } }',
    variables: { v: false, w: true },
  },
  'plans a condition on one interface within an interface object': {
    subgraphs: interfaceObject,
    operation: '{ media { ... on Named { label } } }',
  },
  'keeps the type of an object when an interface object is asked after it': {
    subgraphs: interfaceObject,
    operation:
      '{ media { ... on Film { key: id } ... on Film { __typename rating } ... on Song { title } } }',
  },
  'needs no type for an object where nothing depends on it': {
    subgraphs: interfaceObject,
    operation: '{ media { rating related { rating } } }',
  },
  'needs no type for an object where what depends on it is left out': {
    subgraphs: interfaceObject,
    operation: 'query ($v: Boolean!) { media { rating ... on Film @include(if: $v) { label } } }',
    variables: { v: false },
  },
  'plans what two interface objects require of one subgraph, for some types': {
    subgraphs: twoObjects,
    operation:
      '{ one { ... on Film { label } } many { ... on Film { label sku } ... on Song { x: label sub } } }',
    calls: ['alpha', 'beta', 'gamma'],
  },
  'plans what two interface objects require of one subgraph, again and again': {
    subgraphs: twoObjects,
    operation:
      'mutation { media { ... on Film { label next { ... on Song { label code related { ... on Film { label } } } } } } }',
  },
  'tells keys of an interface object apart that go by the name of something else': {
    subgraphs: twoObjects,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { many { ... on Film @skip(if: $v) { x: sku @skip(if: $w) } ... on Song { x: id } } one { ... on Film { x: id } ... on Song @skip(if: $v) { x: code @skip(if: $w) } } }',
    variables: { v: false, w: false },
  },
  'tells keys of an interface object apart where the others are left out': {
    subgraphs: twoObjects,
    operation:
      'mutation ($v: Boolean!, $w: Boolean!) { media { ... on Film @skip(if: $v) { id: sku @skip(if: $w) } ... on Song { id } } }',
    variables: { v: false, w: true },
  },
  'takes an argument from an object around, each from its own': {
    subgraphs: contexts,
    operation: '{ owners { box { owned { plain told } } } }',
  },
  'does not take another field for that of a context which has the name of its alias': {
    subgraphs: contexts,
    operation: '{ owners { tone: other box { owned { told } } } }',
  },
  'answers entities that stand within themselves': {
    subgraphs: {
      alpha: `
        type Query { user: User! }
        type User @key(fields: "id") { id: ID! }
        type Order @key(fields: "id") { id: ID! user: User! paid: Int! }`,
      gamma: `
        type User @key(fields: "id") { id: ID! order: Order! }
        type Order @key(fields: "id") { id: ID! }`,
    },
    operation: '{ user { order { user { order { user { order { user { order { paid } } } } } } } } }',
  },
  'merges the objects in lists of lists': {
    subgraphs: lists,
    operation: '{ user { notes { one two } } }',
  },
  'tells the error of each subgraph of a field that fails in two': {
    subgraphs: lists,
    operation: '{ user { notes { one two } } }',
    trouble: 8,
  },
  'keeps what is selected of a type beside its interface, in a later field of a mutation': {
    subgraphs: noted,
    operation:
      'mutation { count found { ... on Note { text } ... on Named { label } } other: found { ... on Named { label } ... on Note { name: label } } }',
  },
  'requires what is selected of a type beside its interface': {
    subgraphs: noted,
    operation: '{ box { sum } }',
  },
  'asks for a field of an interface object only where its type has been selected': {
    subgraphs: ratings,
    operation: '{ media { votes ... on Film { note { one } } note { two } } }',
    trouble: 8,
  },
  'tells fields of an interface object apart that types have under one alias': {
    subgraphs: ratings,
    operation: '{ named { ... on Film { x: rating } ... on Song { x: votes } } }',
  },
  'tells arguments of an interface object apart that types give to one field': {
    subgraphs: ratings,
    operation:
      'query ($v: Int!) { media { ... on Film { rating(in: 1) note { x: one } } ... on Song { rating(in: $v) note { x: two } } } }',
    variables: { v: 2 },
  },
  'tells fields of entities apart that types have under one alias': {
    subgraphs: ratings,
    operation:
      '{ media { ... on Film { owner { x: age } maker { y: size } } ... on Song { owner { x: size } maker { y: age } } } }',
  },
  'asks for a field of an entity only where its type has been selected': {
    subgraphs: ratings,
    operation: '{ media { ... on Film { owner { age } } ... on Song { owner { size } } } }',
    trouble: 8,
  },
  'tells types apart that have a condition, or a selection in several places': {
    subgraphs: ratings,
    operation:
      'query ($v: Boolean!) { media { ... on Film @include(if: $v) { rating } ...F owner { id } } named { id } media { ... on Song { rating owner { size } } } } fragment F on Media { owner { ... on Owner { size age } } votes }',
    variables: { v: false },
  },
  'tells types apart where what they select is also a key, and required': {
    subgraphs: {
      ...ratings,
      delta: `
        type Film @key(fields: "id") { id: ID! owner: Owner @external sum: Int @requires(fields: "owner { id }") }
        type Owner @key(fields: "id") { id: ID! }`,
    },
    operation:
      '{ media { ... on Film { sum owner { id: age } id: rating } ... on Song { owner { id: size } id: votes } } }',
  },
  'needs no type of an interface object of which a fragment selects nothing that is possible': {
    subgraphs: {
      alpha: `
        type Query { media: Media }
        type Media @interfaceObject @key(fields: "id") { id: ID rating: Int }`,
      beta: `
        type Query { named: Named }
        interface Media @key(fields: "id") { id: ID }
        interface Named { label: String }
        type Song implements Media & Named @key(fields: "id") { id: ID label: String note: Note }
        type Box implements Named { label: String note: Note size: Int }
        type Note { one: Int two: Int }`,
    },
    operation:
      '{ media { rating ... on Named { ... on Box { size } } } named { ... on Song { note { one } } ... on Box { note { two } } } }',
  },
  'knows the types of interface objects that were told apart': {
    subgraphs: {
      alpha: `
        type Query { media: [Media] }
        interface Media @key(fields: "id") { id: ID }
        type Film implements Media @key(fields: "id") { id: ID! }
        type Song implements Media @key(fields: "id") { id: ID }`,
      beta: `
        type Media @interfaceObject @key(fields: "id") { id: ID next: Media }`,
      gamma: `
        type Media @interfaceObject @key(fields: "id") { id: ID rating: Int }`,
    },
    operation: '{ media { next { id } ... on Song { next { rating } } } }',
  },
  'answers null for an interface that no type implements': {
    subgraphs: {
      alpha: `
        type Query { media: Media list: [Media] other: Int }
        interface Media @key(fields: "id") { id: ID! title: String }`,
      beta: `
        type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int }`,
    },
    operation: '{ media { rating } other list { title rating } }',
  },
  'answers null for an interface that no type implements, and nothing else is asked for': {
    subgraphs: {
      alpha: `
        type Query { media: Media }
        interface Media @key(fields: "id") { id: ID! title: String }`,
      beta: `
        type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int }`,
    },
    operation: '{ media { rating } }',
  },
  'needs no type of an interface object of which conditions leave out all that depends on it': {
    subgraphs: {
      alpha: `
        type Query { media: Media }
        type Media @interfaceObject @key(fields: "id") { id: ID }`,
      beta: `
        interface Media @key(fields: "id") { id: ID }
        type Film implements Media @key(fields: "id") { id: ID title: String }`,
    },
    operation: 'query ($v: Boolean!) { media { id ... on Film { title @include(if: $v) } } }',
    variables: { v: false },
  },
  'asks for an entity whose key is its type': {
    subgraphs: namespaces,
    operation: '{ shop { a b } shops { b } }',
    calls: ['alpha', 'beta'],
  },
  'asks for an entity whose key is its type, though conditions leave out what another field requires': {
    subgraphs: namespaces,
    operation: 'query ($v: Boolean!) { shop { b sum @include(if: $v) } }',
    variables: { v: false },
    calls: ['alpha', 'beta'],
  },
  'answers a field that requires something of an entity whose key is its type': {
    subgraphs: namespaces,
    operation: 'query ($v: Boolean!) { shop { b sum @include(if: $v) } }',
    variables: { v: true },
    calls: ['alpha', 'gamma', 'beta'],
  },
  'asks a subgraph for what is of an interface that none of its types implement': {
    subgraphs: hollow,
    operation: '{ media { rating } }',
    calls: ['alpha'],
  },
  'asks a subgraph for lists of an interface that none of its types implement, and for what is around them': {
    subgraphs: hollow,
    operation:
      'query ($v: Boolean!) { list { rating ... @include(if: $v) { title } } box { media { rating } } }',
    variables: { v: false },
    calls: ['alpha'],
  },
  'tells fields of different types apart that stand under conditions of one kind': {
    subgraphs: unlike,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { found { ... on User { id } ... on Admin @include(if: $v) { id @include(if: $w) } } }',
    variables: { v: true, w: true },
  },
  'tells objects of different types apart that stand under conditions of one kind': {
    subgraphs: unlike,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { found { ... on User { code { number } } ... on Admin @skip(if: $v) { ... @skip(if: $w) { x: id code { number } } code { n: number } } } }',
    variables: { v: false, w: false },
  },
  'tells fields apart under two pairs of conditions of one kind, and without any': {
    subgraphs: unlike,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { found { ... on User { id } ... on Admin { ... @include(if: $v) { id @include(if: $w) } ... @include(if: $w) { id @include(if: $v) } id } } }',
    variables: { v: false, w: true },
  },
  'gives subgraphs the directives of fragments where they stand': {
    subgraphs: directives,
    operation:
      'query ($v: Boolean!, $t: String) { user { name @note(text: $t) ... on User @part(text: $t) { other } ... on User @part @include(if: $v) { id } ...F @part @skip(if: $v) } } fragment F on User { x: other @note }',
    variables: { v: true },
  },
  'gives subgraphs no directive of a spread that may stand on nothing else': {
    subgraphs: directives,
    operation:
      'query ($v: Boolean!) { user { id ...F @spread } other: user { ...F @spread @skip(if: $v) } } fragment F on User { name other }',
    variables: { v: false },
  },
  'takes no variable of a directive on a mutation for a condition': {
    subgraphs: directives,
    operation: 'mutation ($t: Boolean) { first @note(on: $t) { name other } }',
    variables: { t: true },
    calls: ['alpha', 'beta'],
  },
  'asks for nothing that a field requires of an object which conditions leave out there': {
    subgraphs: tripped,
    operation: 'query ($v: Boolean!) { box { product { x: name } } box @skip(if: $v) { product { label } } }',
    variables: { v: true },
    calls: ['beta', 'alpha'],
  },
  'asks for nothing that a field requires further down of an object which conditions leave out there': {
    subgraphs: tripped,
    operation:
      'query ($v: Boolean!, $w: Boolean!) { ...F box { product { name } } } fragment F on Query { ... @include(if: $w) { box @include(if: $v) { product { twin { label } ...P } } } } fragment P on Product { label }',
    variables: { v: false, w: true },
    calls: ['beta', 'alpha'],
  },
  'asks for nothing of an interface object which conditions leave out there': {
    subgraphs: twoObjects,
    operation:
      'query ($v: Boolean!) { one { ... on Film { sku } } one @include(if: $v) { ... on Film { related { id } } ... on Song { related { id } } } }',
    variables: { v: false },
    calls: ['alpha', 'beta'],
  },
  'asks for nothing of a context around an object which conditions leave out there': {
    subgraphs: contexts,
    operation:
      'query ($v: Boolean!) { owners { box { owned { id } } box @skip(if: $v) { owned { told } } } }',
    variables: { v: true },
    calls: ['alpha'],
  },
  'tells no error of fields beside the one that made an entity null': {
    subgraphs: {
      alpha: `
        type Query { users: [User!]! }
        type User @key(fields: "id") { id: ID! }`,
      beta: `
        type User @key(fields: "id") { id: ID! one: Int! two: Note! }
        type Note { three: Int! }`,
    },
    operation: '{ users { one two { three } } }',
    trouble: 8,
  },
  'tells no error of an object of which one subgraph answers a part, and another has made its part null': {
    subgraphs: {
      alpha: `
        type Query { product: Product @shareable products: [Product] @shareable }
        type Product @shareable { size: Size! name: String }
        type Size @shareable { width: Int }`,
      beta: `
        type Query { product: Product @shareable products: [Product] @shareable }
        type Product @shareable { size: Size! price: Int! }
        type Size @shareable { height: Int }`,
    },
    operation: '{ product { size { height } price name } products { size { height } price name } }',
    trouble: 8,
  },
  'tells no error of an entity that an error made null for one subgraph, and that another answers later': {
    subgraphs: {
      alpha: `
        type Query { products: [Product] }
        type Product @key(fields: "id") { id: ID name: String! code: Int! next: Product @shareable nexts: [Product] @shareable }`,
      beta: `
        type Product @key(fields: "id") { id: ID size: Int next: Product @shareable nexts: [Product] @shareable }`,
      gamma: `
        type Product @key(fields: "id") { id: ID price: Int! }`,
    },
    operation:
      '{ products { next { next { size } price name code } nexts { next { size } price name code } size } }',
    trouble: 8,
  },
  'runs mutations in their order where each is under two conditions of one kind': {
    subgraphs: mutations,
    operation:
      'mutation ($v: Boolean!, $w: Boolean!, $x: Boolean!) { ... @include(if: $v) { a: second @include(if: $w) b: first { one } ... @include(if: $x) { c: second d: first { two } } second e: first { one } } }',
    variables: { v: true, w: true, x: true },
    calls: ['beta', 'alpha', 'beta', 'alpha', 'beta', 'alpha'],
  },
  'runs a mutation after a field that is left out there, and comes later': {
    subgraphs: mutations,
    operation:
      'mutation ($v: Boolean!) { a: second second @include(if: $v) first { one } second b: first { two } }',
    variables: { v: false },
    calls: ['beta', 'alpha', 'beta', 'alpha'],
  },
  'runs no mutation after one that left no data': {
    subgraphs: {
      alpha: `
        type Query { unused: Int }
        type Mutation { first: Int! other: Order! }
        type Order @key(fields: "id") { id: ID! }`,
      beta: `
        type Mutation { second: Order! third: [Int!]! }
        type Order @key(fields: "id") { id: ID! name: String! }`,
    },
    operation:
      'mutation { first second { id } other { name } a: third b: first c: second { name } d: other { name } e: third }',
    trouble: 2,
  },
  'has an error for each of more nulls than an answer has errors by default': {
    subgraphs: { alpha: `type Query { ${manyNames.map((name) => `${name}: Int`).join(' ')} }` },
    operation: `{ ${manyNames.join(' ')} }`,
    trouble: 10,
  },
  'has null, and an error where that may not be, for a value that clients may not see': {
    subgraphs: {
      alpha: `
        type Query { shade: Shade shades: [Shade!] }
        enum Shade { RED GREEN BLUE @inaccessible }`,
    },
    operation: '{ shade shades }',
  },
  'two arguments of one name take different values of one context': {
    subgraphs: twoOfOneContext,
    operation: '{ owner { box { one two } } }',
  },
  'the nearest object that sets a context is of an interface': {
    subgraphs: contextWithin,
    operation: '{ owner { inner { box { one } } } }',
  },
  'what a context takes requires fields in some types of an interface alone': {
    subgraphs: unlikeContexts,
    operation: '{ inners { box { one } } }',
  },
  'a key that is selected comes from where it was fetched for a subgraph that may not know the object': {
    subgraphs: keysOnTheWay,
    operation: '{ user { shade key: id } }',
    trouble: 8,
  },
  'subgraphs hold a key in parts': {
    subgraphs: keyInParts,
    operation: '{ box { size } }',
  },
};

const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@key", "@requires", "@external", "@shareable", "@inaccessible", "@interfaceObject", "@context", "@fromContext"])`;
const worlds = 4;

test.each(Object.entries(regressions))(
  '%s',
  async (_name, { subgraphs, operation, variables = {}, trouble = 0, calls }) => {
    const sources = Object.entries(subgraphs).map(([name, types]) => ({ name, typeDefs: header + types }));
    for (let seed = 1; seed <= worlds; seed++) {
      const graph = composeGraph(sources, new RandomWorld(seed, sources, trouble)) as Graph;
      if (Array.isArray(graph)) throw new Error(graph.join('\n'));
      const asked = { document: parse(operation), source: operation, variables };
      const expected = await answerMerged(graph, asked);
      const called: string[] = [];
      const got = await startEngine(graph, { onCall: (name) => void called.push(name) }).answer(asked);
      const faults = await faultsOf(graph, asked);
      const difference = differenceFromMerged(expected, got, faults, () => JSON.stringify(graph.plan(asked)));
      if (difference !== undefined) expect({ difference, ...got }).toEqual(expected);
      if (trouble === 0 && !operation.includes('shade')) expect(got.errors).toEqual([]);
      if (calls) expect(called).toEqual(calls);
    }
  },
);
