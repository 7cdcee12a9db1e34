/**
 * APIs that fail: what a fault does not touch is answered as if there was none, and no null is without an error, but for
 * entities that an API does not know.
 *
 * `WEIR_SEED`, `WEIR_SUPERGRAPHS` and `WEIR_OPERATIONS` are those of `sources.test.ts`.
 */
import '../support/fast-graphql';
import { TransportError, type SubgraphResponse } from '../../gateway/subgraph-calls/contract/transport';
import { amountOf, timeFor } from '../support/amounts';
import { type RandomOperation } from '../support/random-operation';
import { type ApiDraft } from '../support/random-sources/draft';
import { entitiesPerType, type Thing, type WorldFault } from '../support/random-sources/world';
import { type Difference, drawSourcesGraph, drawSourcesOperation, reportSources } from './sources-case';
import { differenceFromFaulty, differenceFromNaive } from './sources-compare';
import {
  type Alter,
  answerNaively,
  type Call,
  type Fault,
  type SourcesGraph,
  startSources,
} from './sources-graph';

const firstSeed = Number(process.env['WEIR_SEED'] ?? 1);
const supergraphs = amountOf('WEIR_SUPERGRAPHS', 6, 100);
const operations = Number(process.env['WEIR_OPERATIONS'] ?? 20);
const perTest = 12;

const groups = Array.from({ length: Math.ceil(supergraphs / perTest) }, (_, i) => firstSeed + i * perTest);

/** What becomes of one call of an API, whatever it answers. */
const brokenCalls: Readonly<Record<string, (call: Call, response: SubgraphResponse) => SubgraphResponse>> = {
  'has the status 500': (_call, response) => ({
    ...response,
    status: 500,
    body: Buffer.from('{"message":"down"}'),
  }),
  'has the status 404 and a page': (_call, response) => ({
    ...response,
    status: 404,
    headers: html,
    body: Buffer.from('<p>Not found</p>'),
  }),
  'is blank': (_call, response) => ({ ...response, body: Buffer.from(' ') }),
  'is text': (_call, response) => ({
    ...response,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from('Bad gateway'),
  }),
  'is no JSON': (_call, response) => ({
    ...response,
    body: Buffer.concat([response.body, Buffer.from('"')]),
  }),
  'cannot be had': ({ api }) => {
    throw new TransportError(api.name, 'reset');
  },
};
const silentOfRest = [brokenCalls['has the status 404 and a page'], brokenCalls['is blank']];
const html = { 'content-type': 'text/html' };

describe.each(Object.entries(brokenCalls))('where a response of an API %s', (_name, breakCall) => {
  test.each(groups)(
    'the rest is answered, and each null has an error, from seed %i on',
    (first) =>
      eachSeed(first, (graph, seed) => {
        const { apis } = graph.drawn;
        const broken = apis[seed % apis.length]!;
        const isOf = (api: ApiDraft): boolean => api === broken;
        // A REST API that answers 404 does not know what was asked for; a blank body is no value.
        const isSilent = broken.kind === 'rest' && silentOfRest.includes(breakCall);
        return { isOf, isSilent, alter: nthCall(broken, seed % 3, breakCall) };
      }),
    timeFor(operations, 20),
  );
});

describe.each(['unknown', 'fails'] as const)('where an entity of an API is in this state: %s', (how) => {
  test.each(groups)(
    'its neighbours are answered, from seed %i on',
    (first) =>
      eachSeed(first, (graph, seed) => {
        const { apis, entities, world, partOf } = graph.drawn;
        const parts = apis.flatMap((api) =>
          entities.flatMap((entity) => (partOf(api, entity) ? [{ api, entity }] : [])),
        );
        const { api: broken, entity } = parts[seed % parts.length]!;
        const thing = world.entity(entity, seed % entitiesPerType);
        // All of a list of a REST API fails at once.
        const isOf = (api: ApiDraft, { id, type }: Thing): boolean =>
          api === broken &&
          (id === thing.id || (api.kind === 'rest' && how === 'fails' && type === thing.type));
        return { isOf, isSilent: how === 'unknown', fault: { api: broken, entity: thing, how } };
      }),
    timeFor(operations, 20),
  );
});

test.each(groups)(
  'lists in another order, with items twice and others in between, are answered as they should be, from seed %i on',
  (first) =>
    eachSeed(first, (graph, seed) => {
      const { apis } = graph.drawn;
      return {
        isOf: () => false,
        isSilent: false,
        fault: { api: apis[seed % apis.length]!, how: 'disorder' },
      };
    }),
  timeFor(operations, 20),
);

interface Broken {
  /** What may be lost. */
  readonly isOf: Fault['isOf'];
  readonly isSilent: boolean;
  readonly fault?: WorldFault;
  readonly alter?: Alter;
}

async function eachSeed(
  first: number,
  breakGraph: (graph: SourcesGraph, seed: number) => Broken,
): Promise<void> {
  for (let seed = first; seed < Math.min(first + perTest, firstSeed + supergraphs); seed++) {
    const of = graphOf(seed);
    const { graph } = of;
    for (let number = 0; number < operations; number++) {
      const operation = drawSourcesOperation(graph.apiSchema, seed, number);
      const check = (one: RandomOperation) => differenceOf(of, breakGraph(graph, seed), one);
      const found = await check(operation);
      if (found)
        throw new Error(
          `Operation ${number} of WEIR_SEED=${seed} WEIR_SUPERGRAPHS=1\n\n${await reportSources(graph, operation, found, check)}`,
        );
    }
  }
}

interface Opened {
  readonly graph: SourcesGraph;
  readonly engine: ReturnType<typeof startSources>;
  alter: Alter | undefined;
  calls: Call[];
}

const opened = new Map<number, Opened>();

function graphOf(seed: number): Opened {
  let known = opened.get(seed);
  if (known === undefined) {
    const graph = drawSourcesGraph(seed);
    const engine = startSources(graph, async (call, response) => {
      own.calls.push(call);
      return own.alter === undefined ? response : own.alter(call, response);
    });
    const own: Opened = { graph, engine, alter: undefined, calls: [] };
    opened.set(seed, (known = own));
  }
  return known;
}

async function differenceOf(
  of: Opened,
  { isOf, isSilent, fault, alter }: Broken,
  operation: RandomOperation,
): Promise<Difference | undefined> {
  const { graph, engine } = of;
  const { world } = graph.drawn;
  const isDisordered = fault?.how === 'disorder';
  world.fault = fault;
  const whole = await answerNaively(graph, operation);
  Object.assign(of, { alter, calls: [] });
  try {
    const got = await engine(operation);
    const least = await answerNaively(graph, operation, { how: isSilent ? 'unknown' : 'fails', isOf });
    const what = isDisordered
      ? differenceFromNaive(whole, got)
      : differenceFromFaulty(whole, least, got, { isSilent });
    return what === undefined ? undefined : { what, expected: whole, got, calls: of.calls };
  } finally {
    world.fault = undefined;
  }
}

/** Breaks one call of an API of each operation. */
function nthCall(
  broken: ApiDraft,
  number: number,
  breakCall: (call: Call, response: SubgraphResponse) => SubgraphResponse,
): Alter {
  let count = 0;
  return async (call, response) =>
    call.api === broken && count++ === number ? breakCall(call, response) : response;
}
