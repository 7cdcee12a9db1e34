import { buildSchema, parse } from 'graphql';
import { compileOperation, execute } from '../../../../../gateway/execution';
import { type PlanNode } from '../../../../../gateway/execution/compile/plan';
import { type EntityList, type Send } from '../../../../../gateway/subgraph-calls/contract/transport';
import { callerOf } from '../../../../support/caller';
import { at, entities, fetchOf, field, inParallel, inSequence, on } from '../plan';

describe('the entities of a subgraph request', () => {
  const schema = `
    type Query { us: [U]  vs: [U] }
    type U { id: ID  f(n: Int, s: String): String  g: String }
  `;
  const key = [on('U', field('__typename'), field('id'))];
  const selection =
    'query($representations:[_Any!]!,$n:Int=3,$s:String){_entities(representations:$representations){...on U{f(n:$n,s:$s)}}}';
  const asking = (name: string) =>
    fetchOf('u', selection.replace('query', `query ${name}`), {
      operationName: name,
      variableUsages: ['representations', 'n', 's'],
      requires: key,
    });

  it('are the representations as they stand in the variables, and what is asked of them', async () => {
    const [list] = await entitiesSent({
      plan: inSequence(fetchOf('q', '{us{__typename id}}'), at(['us', '@'], asking('First'))),
      answers: { us: [user('1'), user('ü"'), user('1'), user('3')] },
      variables: { s: 'é', n: 1 },
    });

    expect(list).toMatchObject({ responseKey: '_entities', variable: 'representations', selection });
    expect(list!.arguments.toString()).toBe('"n":1,"s":"é"');
    expect(list!.count).toBe(3);
    expect(list!.representations.map(String)).toEqual([
      '{"__typename":"U","id":"1"}',
      '{"__typename":"U","id":"ü\\""}',
      '{"__typename":"U","id":"3"}',
    ]);
  });

  it('ask the same where only the name of the operation differs', async () => {
    const asked = ['First', 'Second'].map(async (name) => {
      const plan = inSequence(fetchOf('q', '{us{__typename id}}'), at(['us', '@'], asking(name)));
      const [list] = await entitiesSent({ plan, answers: { us: [user('1')] } });
      return [list!.selection, list!.arguments.length];
    });

    expect(await Promise.all(asked)).toEqual([
      [selection, 0],
      [selection, 0],
    ]);
  });

  it('are a list for each selection that goes into the same request', async () => {
    const lists = await entitiesSent({
      plan: inSequence(
        fetchOf('q', '{us{__typename id}vs{__typename id}}'),
        inParallel(
          at(['us', '@'], asking('First')),
          at(['vs', '@'], entities('u', '...on U{g}', key)),
          at(['us', '@'], entities('u', '...on U{g}', key)),
        ),
      ),
      answers: { us: [user('1'), user('2')], vs: [user('ü'), user('1')] },
      variables: { n: 2 },
    });

    expect(lists.map(({ responseKey, variable }) => [responseKey, variable])).toEqual([
      ['_entities_0', 'representations_0'],
      ['_entities_1', 'representations_1'],
    ]);
    expect(lists.map((list) => list.representations.map((bytes) => JSON.parse(bytes.toString()).id))).toEqual(
      [
        ['1', '2'],
        ['ü', '1', '2'],
      ],
    );
    expect(lists.map((list) => [list.selection, String(list.arguments)])).toEqual([
      [selection, '"n":2'],
      ['query($representations:[_Any!]!){_entities(representations:$representations){...on U{g}}}', ''],
    ]);
  });

  it('are left out of a fetch of root fields', async () => {
    const lists = await entitiesSent({ plan: fetchOf('q', '{us{id}}'), answers: { us: [] } });

    expect(lists).toEqual([]);
  });

  async function entitiesSent(options: {
    plan: PlanNode;
    answers: unknown;
    variables?: Record<string, unknown>;
  }): Promise<EntityList[]> {
    const built = buildSchema(schema);
    const document = parse('query($n: Int = 3, $s: String) { us { f(n: $n, s: $s) g } vs { f } }');
    const plan = { kind: 'QueryPlan', node: options.plan } as const;
    const program = compileOperation({ plan, schema: built, supergraphSchema: built, document });
    const sent: EntityList[] = [];
    const send: Send = ({ variables, entities: lists = [] }) => {
      const given =
        variables.length === 0 ? {} : (JSON.parse(variables.toString()) as Record<string, unknown>);
      for (const { variable, representations } of lists) {
        expect(representations.map((bytes) => JSON.parse(bytes.toString()) as unknown)).toEqual(
          given[variable],
        );
        // They are views: nothing was copied.
        expect(representations.every(({ buffer }) => buffer === variables.buffer)).toBe(true);
      }
      sent.push(...lists);
      const data =
        lists.length === 0
          ? options.answers
          : Object.fromEntries(
              lists.map(({ responseKey, representations }) => [responseKey, representations.map(() => null)]),
            );
      return Promise.resolve({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ data })) });
    };
    await execute(program, { variables: options.variables, send, caller: callerOf() });
    return sent;
  }

  const user = (id: string) => ({ __typename: 'U', id });
});
