/**
 * Each mend of `gateway/planning/defects` beside the smallest case that the planner alone gets wrong. When a new version
 * gets it right, its test fails and names the file to delete.
 *
 * Over 300 lines: a graph for each defect.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeServices } from '@apollo/composition';
import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type FieldNode, parse, validate, visit } from 'graphql';
import { fetchesOf, type OrderedFetch } from '../../../../../gateway/execution/compile/order';
import type { QueryPlan } from '../../../../../gateway/execution/compile/plan';
import type * as Planner from '../../../../../gateway/planning/planner';
import { withTimeLimit } from '../../../../../gateway/planning/time-limit';

type Subgraphs = Readonly<Record<string, string>>;

interface Defect {
  /** By name. */
  readonly subgraphs: Subgraphs;
  /** Changes what was composed. */
  readonly supergraph?: (sdl: string) => string;
  readonly operation: string;
  /** How long the planner alone may take, in milliseconds, where it never ends. */
  readonly timeLimit?: number;
  /** Whether a plan has what is wrong; planning that fails has no plan. */
  readonly isWrong: (plan: Planned, subgraphs: Subgraphs) => boolean;
}

/** A plan, or why there is none. */
interface Planned {
  readonly fetches: readonly OrderedFetch[];
  readonly error: string | undefined;
}

const abstract = {
  alpha: `
    type Query { media: [Media!]! }
    type Media @interfaceObject @key(fields: "id") { id: ID! }`,
  beta: `
    interface Media @key(fields: "id") { id: ID! }
    interface Named { label: String! }
    type Film implements Media & Named @key(fields: "id") { id: ID! label: String! }
    type Song implements Media @key(fields: "id") { id: ID! }`,
};

/** The label of an interface object requires something that the interface has. */
const labels = {
  alpha: `
    type Query { media: Media! }
    type Media @interfaceObject @key(fields: "id") { id: ID! }`,
  beta: `
    interface Media @key(fields: "id") { id: ID! title: String! }
    type Film implements Media @key(fields: "id") { id: ID! title: String! }`,
  gamma: `
    type Media @interfaceObject @key(fields: "id") {
      id: ID! title: String! @external label: String! @requires(fields: "title")
    }`,
};

const users = {
  alpha: `
    type Query { user: User! }
    type User @key(fields: "id") { id: ID! name: String! }`,
  beta: `
    type User @key(fields: "id") { id: ID! other: String! }`,
};

const owners = {
  alpha: `
    type Query { media: [Media!] }
    union Media = Film | Song
    type Film { owner: Owner }
    type Song { owner: Owner }
    type Owner @key(fields: "id") { id: ID! }`,
  beta: `
    type Owner @key(fields: "id") { id: ID! age: Int! size: Int! }`,
};

const prices = {
  alpha: `
    type Query { product: Product! }
    type Product @key(fields: "id") { id: ID! price(in: Int): Int! }`,
  beta: `
    type Product @key(fields: "id") {
      id: ID!
      price(in: Int): Int! @external
      tax: Int! @requires(fields: "price(in: 1)")
      fee: Int! @requires(fields: "price(in: 2)")
    }`,
};

const mutations = {
  alpha: `
    type Query { unused: Int }
    type Mutation { first: Done! }
    type Done { one: String! two: String! }`,
  beta: `
    type Mutation { second: String! }`,
};

const named = `
  interface Named { label: String }
  type Order implements Named @key(fields: "id") { id: ID! label: String @shareable }`;

const defects: Readonly<Record<string, Defect>> = {
  'abstract-conditions': {
    subgraphs: abstract,
    operation: '{ media { ... on Named { label } } }',
    isWrong: ({ error }) => error?.includes('We should have an edge') === true,
  },
  'aliases-in-conditions': {
    subgraphs: {
      alpha: `
        type Query { found: [Found!]! }
        union Found = User | Admin
        type User @shareable { id: ID! }
        type Admin { id: ID }`,
    },
    operation:
      'query ($v: Boolean!, $w: Boolean!) { found { ... on User { id } ... on Admin @include(if: $v) { ... @include(if: $w) { id } } } }',
    isWrong: ({ fetches }, subgraphs) => fetches.some((fetch) => isInvalid(fetch, subgraphs)),
  },
  'conditional-selections': {
    subgraphs: users,
    operation: 'query ($v: Boolean!, $w: Boolean!) { user @skip(if: $v) { name @skip(if: $w) } }',
    isWrong: ({ fetches }) => fetches.every(({ when }) => when.some(({ variable }) => variable === 'w')),
  },
  'doubled-conditions': {
    subgraphs: labels,
    operation: 'query ($v: Boolean!, $w: Boolean!) { media { ... @skip(if: $v) { label @skip(if: $w) } } }',
    isWrong: ({ error }) => error?.includes('Cannot add selection of field') === true,
  },
  'equal-fetches': {
    subgraphs: labels,
    operation: '{ media { ... on Film { label } } }',
    timeLimit: 200,
    isWrong: ({ error }) => error?.includes('longer than') === true,
  },
  'fragment-conditions': {
    subgraphs: {
      alpha: `
        type Product @key(fields: "id") { id: ID! name: String! }`,
      beta: `
        type Query { product: Product! }
        type Product @key(fields: "id") { id: ID! name: String! @external label: String! @requires(fields: "name") }`,
    },
    operation: 'query ($v: Boolean!) { product { id name } product @skip(if: $v) { label } }',
    isWrong: ({ fetches }) =>
      fetches.some((fetch) => {
        const [label] = fieldsOf(fetch, 'label');
        return label?.directives?.length === 0 && fetch.when.length === 0;
      }),
  },
  'hollow-interfaces': {
    subgraphs: {
      alpha: `
        type Query { media: Media }
        interface Media @key(fields: "id") { id: ID! }`,
      beta: `
        type Media @interfaceObject @key(fields: "id") { id: ID! rating: Int }`,
    },
    operation: '{ media { rating } }',
    isWrong: ({ fetches, error }) => fetches.length === 0 && error === undefined,
  },
  'introspection-fields': {
    subgraphs: users,
    operation: '{ __type(name: "User") { isOneOf } }',
    isWrong: ({ error }) => error?.includes('isOneOf') === true,
  },
  'literal-conditions': {
    subgraphs: mutations,
    operation: 'mutation { first { one } second first @include(if: true) { two } }',
    isWrong: asksForFirstTwice,
  },
  'merged-trees': {
    subgraphs: {
      alpha: `
        type Query { unused: Int }
        type Mutation { count: Int found: Found! }
        union Found = Order | Note
        interface Named { label: String }
        type Order @key(fields: "id") { id: ID! }
        type Note implements Named { label: String text: String! }`,
      beta: named,
      gamma: named,
    },
    operation: 'mutation { count found { ... on Note { text } ... on Named { label } } }',
    isWrong: ({ fetches }) => fetches.every((fetch) => fieldsOf(fetch, 'text').length === 0),
  },
  'operation-directives': {
    subgraphs: {
      alpha: `
        directive @once(key: ID) on MUTATION
        type Query { unused: Int }
        type Mutation { user: User! }
        type User @key(fields: "id") { id: ID! }`,
      beta: `
        directive @once(key: ID) on MUTATION
        type User @key(fields: "id") { id: ID! name: String! }`,
    },
    operation: 'mutation ($v: ID) @once(key: $v) { user { name } }',
    isWrong: ({ fetches }, subgraphs) => fetches.some((fetch) => isInvalid(fetch, subgraphs)),
  },
  'repeated-mutations': {
    subgraphs: mutations,
    operation: 'mutation ($v: Boolean!) { first { one } second first @include(if: $v) { two } }',
    isWrong: asksForFirstTwice,
  },
  'required-arguments': {
    subgraphs: prices,
    operation: '{ product { tax fee } }',
    isWrong: ({ fetches }) => fetches.flatMap((fetch) => fieldsOf(fetch, 'price')).length < 2,
  },
  'resolvable-keys': {
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
    isWrong: ({ fetches }) =>
      fetches.some(
        ({ node }) => node.serviceName === 'beta' && JSON.stringify(node.requires ?? []).includes('"sku"'),
      ),
  },
  'response-names': {
    subgraphs: users,
    operation: '{ user { id: name other } }',
    isWrong: ({ fetches }) =>
      ['id', 'name'].some((name) => fetches.every((fetch) => fieldsOf(fetch, name).length === 0)),
  },
  'spread-directives': {
    subgraphs: {
      alpha: `
        directive @spread on FRAGMENT_SPREAD
        type Query { user: User! }
        type User { name: String! }`,
    },
    operation: '{ user { ...F @spread } } fragment F on User { name }',
    isWrong: ({ fetches }, subgraphs) => fetches.some((fetch) => isInvalid(fetch, subgraphs)),
  },
  'type-keys': {
    subgraphs: {
      alpha: `
        type Query { shop: Shop! }
        type Shop @key(fields: "__typename") { price: Int! weight: Int! }`,
      beta: `
        type Shop @key(fields: "__typename") {
          price: Int! @external
          weight: Int! @external
          sum: Int! @requires(fields: "price")
          tax: Int! @requires(fields: "weight")
        }`,
    },
    operation: 'query ($v: Boolean!, $w: Boolean!) { shop { tax @include(if: $v) sum @include(if: $w) } }',
    isWrong: ({ fetches }) =>
      fetches.some(
        ({ node: { requires, typeKeys } }) =>
          typeKeys === undefined &&
          ['price', 'weight'].every((name) => JSON.stringify(requires ?? []).includes(name)),
      ),
  },
  'types-apart': {
    subgraphs: owners,
    operation: '{ media { ... on Film { owner { age } } ... on Song { owner { size } } } }',
    isWrong: ({ fetches }) =>
      fetches.some((fetch) => fieldsOf(fetch, 'age').length > 0 && fieldsOf(fetch, 'size').length > 0),
  },
  'undeclared-one-of': {
    subgraphs: {
      alpha: `
        type Query { user(by: By): Int }
        input By { id: ID name: String }`,
    },
    supergraph: (sdl) => sdl.replace(/input By\b/, 'input By @oneOf'),
    operation: '{ user(by: { id: 1 }) }',
    isWrong: ({ error }) => error?.includes('oneOf') === true,
  },
};

/** What is no defect of its own. */
const parts = ['abstract-types', 'index', 'map-fetches', 'restored-types'];

/** The packages that a plan depends on, and those that have to be of the same version. */
const planner = [
  'composition',
  'federation-internals',
  'gateway',
  'query-graphs',
  'query-planner',
  'subgraph',
].map((name) => `@apollo/${name}`);

const folder = join(__dirname, '../../../../../gateway/planning/defects');

const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@requires", "@external", "@shareable", "@interfaceObject"])`;

describe.each(Object.entries(defects))('%s', (file, defect) => {
  const { subgraphs, supergraph, operation, timeLimit, isWrong } = defect;
  const composed = compose(subgraphs);
  const sdl = supergraph ? supergraph(composed) : composed;

  it('is still needed: the planner alone gets its case wrong', () => {
    const planned = outcome(() => planAlone(sdl, operation, timeLimit));
    if (isWrong(planned, subgraphs)) return;
    throw new Error(
      `The planner seems to have mended what gateway/planning/defects/${file}.ts is for: look at the plan, then ` +
        `delete that file, its call, and this case.\n${JSON.stringify(planned, null, 2)}`,
    );
  });

  it('fixes its case', () => {
    expect(isWrong(planMended(sdl, operation), subgraphs)).toBe(false);
  });

  it('names the issue upstream, or says that none was found', () => {
    expect(readFileSync(join(folder, `${file}.ts`), 'utf8')).toMatch(
      /^ \* Upstream: .*(https:\/\/github\.com\/apollographql\/|no issue found)/m,
    );
  });
});

it('is about the pinned version of the planner', () => {
  const { dependencies } = JSON.parse(
    readFileSync(join(__dirname, '../../../../../package.json'), 'utf8'),
  ) as { readonly dependencies: Readonly<Record<string, string>> };
  const versions = Object.entries(dependencies).filter(([name]) => planner.includes(name));
  expect(versions).toEqual(planner.map((name) => [name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]));
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1);
});

it('has a case for each fix', () => {
  const files = readdirSync(folder).map((name) => name.replace(/\.ts$/, ''));
  expect(files.sort()).toEqual([...Object.keys(defects), ...parts].sort());
});

function compose(subgraphs: Subgraphs): string {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(subgraphs).map(([name, sdl]) => ({
      name,
      url: `http://${name}.test`,
      typeDefs: parse(header + sdl),
    })),
  );
  if (supergraphSdl === undefined) throw new Error(errors.join('\n'));
  return supergraphSdl;
}

function planAlone(sdl: string, operation: string, timeLimit: number | undefined): QueryPlan {
  const supergraph = Supergraph.build(sdl);
  const planner = new QueryPlanner(supergraph, { reuseQueryFragments: false, generateQueryFragments: false });
  const plan = () => planner.buildQueryPlan(operationFromDocument(supergraph.apiSchema(), parse(operation)));
  return timeLimit === undefined ? plan() : withTimeLimit(timeLimit, plan);
}

/** Some mends change the planner's classes: they get modules of their own. */
function planMended(sdl: string, operation: string): Planned {
  let planned: Planned | undefined;
  jest.isolateModules(() => {
    const { buildQueryPlanner } = jest.requireActual<typeof Planner>(
      '../../../../../gateway/planning/planner',
    );
    planned = outcome(() => buildQueryPlanner({ supergraphSdl: sdl }).plan(operation, undefined, []));
  });
  return planned!;
}

function outcome(plan: () => QueryPlan): Planned {
  try {
    return { fetches: fetchesOf(plan()), error: undefined };
  } catch (error) {
    return { fetches: [], error: (error as Error).message };
  }
}

function asksForFirstTwice({ fetches }: Planned): boolean {
  return fetches.filter((fetch) => fieldsOf(fetch, 'first').length > 0).length > 1;
}

function fieldsOf({ node }: OrderedFetch, name: string): FieldNode[] {
  const fields: FieldNode[] = [];
  visit(parse(node.operation), {
    Field(field) {
      if (field.name.value === name) fields.push(field);
    },
  });
  return fields;
}

/** Whether the subgraph would refuse it. */
const isInvalid = ({ node }: OrderedFetch, subgraphs: Subgraphs): boolean =>
  validate(buildSubgraphSchema(parse(header + subgraphs[node.serviceName]!)), parse(node.operation)).length >
  0;
