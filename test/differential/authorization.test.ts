/**
 * What somebody may not see is in no answer, in no error and in no request to a subgraph, and everything else is there:
 * as one schema would answer whose resolvers refuse what is not allowed. For graphs with the directives everywhere they
 * may stand, operations and identities drawn at random.
 *
 * `WEIR_SEED`, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` as in differential.test.ts.
 */
import '../support/fast-graphql';
import {
  getOperationAST,
  GraphQLError,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type FieldNode,
  isAbstractType,
} from 'graphql';
import { Authorization, Policies } from '../../gateway/auth/directives';
import { createIdentity, type Identity } from '../../gateway/auth/identity';
import { compileOperation } from '../../gateway/execution';
import { type QueryPlan } from '../../gateway/planning';
import { formatQueryPlan } from '../support/own-planner';
import { type RandomOperation } from '../support/random-operation';
import { RandomSource } from '../support/random-source';
import { randomSubgraphs } from '../support/random-supergraph';
import { RandomWorld } from '../support/random-world';
import { amountOf, timeFor } from '../support/amounts';
import { drawOperation, hasContext } from './case';
import { differenceFromMerged } from './compare';
import { faultsOf } from './faults';
import { deniableFields, policyNames, protect, type Rights, scopeNames, Sight } from './protected-graph';
import {
  type Answer,
  answerMerged,
  composeGraph,
  describeGraph,
  type Graph,
  newRun,
  startEngine,
} from './systems';
import { plannerOf } from '../support/planning';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 2, 20);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 30);
const perTest = 20;
const code = 'UNAUTHORIZED_FIELD_OR_TYPE';

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

describe(`${operations} operations on each of ${supergraphs} protected supergraphs`, () => {
  test.each(groups)(
    'show what may be seen, no more and no less, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed, { keys: false });
    },
    timeFor(operations, 30),
  );

  test.each(groups)(
    'show nothing that may not be seen where keys are protected, from seed %i on',
    async (first) => {
      for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++)
        await check(seed, { keys: true });
    },
    timeFor(operations, 30),
  );
});

async function check(seed: number, options: { readonly keys: boolean }): Promise<void> {
  const graph = drawProtected(seed, options);
  const random = new RandomSource(seed * 31 + 7);
  for (let number = 0; number < operations; number++) {
    const operation = drawOperation(graph, seed, number);
    const rights = drawRights(graph, random, options);
    const problem = await problemOf(graph, operation, rights, options);
    if (problem !== undefined)
      throw new Error(
        [
          `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1, keys ${options.keys}: ${problem}`,
          describeGraph(graph),
          `# rights ${JSON.stringify(rights)}\n# variables ${JSON.stringify(operation.variables)}\n${operation.source}`,
          ...(await plansFor(graph, operation, rights)),
        ].join('\n\n'),
      );
  }
}

function drawProtected(seed: number, options: { readonly keys: boolean }): Graph {
  const reasons: string[] = [];
  for (let attempt = 0; attempt < 100; attempt++) {
    const drawn = seed * 128 + attempt;
    const plain = randomSubgraphs(new RandomSource(drawn), { context: hasContext(seed) });
    const subgraphs = protect(plain, new RandomSource(drawn + 1), options);
    const graph = composeGraph(subgraphs, new RandomWorld(drawn, subgraphs));
    if (!Array.isArray(graph)) return graph;
    reasons.push(...graph);
  }
  throw new Error(`Nothing that was drawn from seed ${seed} composes:\n${reasons.slice(0, 5).join('\n')}`);
}

function drawRights(
  { subgraphs, apiSchema }: Graph,
  random: RandomSource,
  { keys }: { readonly keys: boolean },
): Rights {
  const isAuthenticated = random.chance(0.6);
  const has = (names: readonly string[]) => random.some(names, random.between(0, names.length));
  return {
    isAuthenticated,
    scopes: isAuthenticated ? has(scopeNames) : [],
    policies: has(policyNames),
    denied: random.chance(0.3)
      ? random.some(deniableFields(subgraphs, apiSchema, { isExact: !keys }), random.between(1, 4))
      : [],
  };
}

const identityOf = ({ isAuthenticated, scopes, denied }: Rights): Identity =>
  createIdentity({ mode: isAuthenticated ? 'oidc' : 'none', scopes, deniedFields: denied });

async function problemOf(
  graph: Graph,
  operation: RandomOperation,
  rights: Rights,
  { keys }: { readonly keys: boolean },
): Promise<string | undefined> {
  const sight = new Sight(graph.subgraphs, graph.apiSchema, rights);
  const asked: string[] = [];
  const plans: string[] = [];
  const engine = startEngine(graph, {
    compile: (one) => compileFor(graph, one, rights, (_, plan) => plans.push(JSON.stringify(plan))),
    onCall: (subgraph, document, variables) => {
      const schema = graph.subgraphSchemas.get(subgraph)!;
      const representations = (variables['representations'] ?? []) as Record<string, unknown>[];
      // An interface object stands for what the entity is; whose it is, is told by its key.
      const entities = representations.map((one) => graph.world.find(subgraph, one, newRun())?.type);
      const ask = (type: string, field: string): void => {
        if (!sight.seesField(type, field)) asked.push(`${type}.${field}`);
      };
      const types = new TypeInfo(schema);
      const above: string[] = [];
      visit(
        document,
        visitWithTypeInfo(types, {
          Field: {
            enter({ name: { value: name } }) {
              const parent = types.getParentType()!;
              const objects = isAbstractType(parent) ? schema.getPossibleTypes(parent) : [parent];
              const isOfEntity = above.at(-1) === '_entities';
              if (name !== '_entities')
                for (const one of objects.flatMap((object) => standingFor(graph, object.name)))
                  if (!isOfEntity || entities.includes(one)) ask(one, name);
              above.push(name);
            },
            leave: () => void above.pop(),
          },
        }),
      );
      for (const [i, { __typename: type, ...fields }] of representations.entries())
        for (const field of Object.keys(fields)) ask(entities[i] ?? (type as string), field);
    },
  });
  const guard = guardOf(graph, operation, sight);
  const expected = await answerMerged(graph, operation, guard);
  let got: Answer;
  try {
    got = await engine.answer(operation);
  } catch (error) {
    return `throws ${error instanceof Error ? (error.cause instanceof Error ? error.cause.stack : error.stack) : String(error)}`;
  }
  if (asked.length > 0) return `a subgraph is asked for ${[...new Set(asked)].join(', ')}`;
  const told = JSON.stringify(got);
  if (keys)
    return showsMore(expected.data, got.data)
      ? `shows more: ${told}\nexpected ${JSON.stringify(expected)}`
      : undefined;
  const faults = await faultsOf(graph, operation, guard);
  const difference = differenceFromMerged(expected, got, faults, () => plans.join());
  return difference && `${difference}\nexpected ${JSON.stringify(expected)}\ngot      ${told}`;
}

/** The types of the whole graph that a subgraph may mean by one of its own. */
function standingFor({ apiSchema }: Graph, name: string): readonly string[] {
  const type = apiSchema.getType(name);
  return isAbstractType(type) ? apiSchema.getPossibleTypes(type).map((object) => object.name) : [name];
}

/** What is planned for somebody, in each round, and the plan. */
async function plansFor(graph: Graph, operation: RandomOperation, rights: Rights): Promise<string[]> {
  const texts: string[] = [];
  await compileFor(graph, operation, rights, (text, plan) => texts.push(text, formatQueryPlan(plan)));
  return texts;
}

async function compileFor(
  graph: Graph,
  operation: RandomOperation,
  rights: Rights,
  onPlan?: (text: string, plan: QueryPlan) => void,
) {
  const policies = new Policies({
    evaluate: async (names) =>
      Object.fromEntries(names.map((name) => [name, rights.policies.includes(name)])),
    ttl: 60_000,
    logger: console as never,
  });
  const authorization = new Authorization({
    facts: graph.protections,
    schema: graph.apiSchema,
    options: { refused: 'null', introspection: 'all' },
    policies,
    logger: console as never,
  });
  const { document, source, operationName } = operation;
  const refused = await authorization
    .accessTo(document, getOperationAST(document, operationName)!)
    .decide(identityOf(rights));
  const { apiSchema: schema, answerTypes: supergraphSchema, inaccessibleValues, facts: subgraphs } = graph;
  const compiled = { schema, supergraphSchema, inaccessibleValues, subgraphs, document, operationName };
  if (refused.length === 0) {
    const plan = graph.plan(operation);
    onPlan?.(source, plan);
    return compileOperation({ ...compiled, plan });
  }
  const planner = plannerOf((text, name) => {
    const plan = graph.plan({ source: text, operationName: name });
    onPlan?.(text, plan);
    return plan;
  });
  const planned = await planner.run(source, '', (planning) =>
    authorization.plan({ document: source, documentHash: '', operationName, refused }, planning),
  );
  if (planned.kind !== 'plan') throw new Error('Nothing is to be rejected.');
  return compileOperation({ ...compiled, plan: planned.plan, refusals: planned.refusals });
}

/** A field is refused by the type that it was selected on, and by that of the object that has it. */
function guardOf({ apiSchema }: Graph, { document }: RandomOperation, sight: Sight) {
  const selectedOn = new Map<FieldNode, string>();
  const types = new TypeInfo(apiSchema);
  visit(
    document,
    visitWithTypeInfo(types, { Field: (node) => void selectedOn.set(node, types.getParentType()!.name) }),
  );
  const refuse = (): never => {
    throw new GraphQLError('refused', { extensions: { code } });
  };
  return {
    field: ({
      fieldNodes,
      fieldName,
      parentType,
    }: {
      fieldNodes: readonly FieldNode[];
      fieldName: string;
      parentType: { name: string };
    }) => {
      const all = [parentType.name, ...fieldNodes.map((node) => selectedOn.get(node)!)];
      if (all.some((type) => !sight.seesField(type, fieldName))) refuse();
    },
    object: (type: string) => {
      if (!sight.seesType(type)) refuse();
    },
  };
}

/** Whether there is something in an answer that is not in the other: not null where that is null, or different. */
function showsMore(expected: unknown, got: unknown): boolean {
  if (got === null) return false;
  if (Array.isArray(got) && Array.isArray(expected))
    return got.some((item, i) => showsMore(expected[i], item));
  if (typeof got === 'object' && typeof expected === 'object' && expected !== null)
    return Object.entries(got).some(([key, value]) =>
      showsMore((expected as Record<string, unknown>)[key], value),
    );
  return !Object.is(expected, got);
}
