/**
 * Conditions of the embedded DynamoDB: each operator on each type as AWS documents it, and random ones against moto,
 * which is another team's. Over 300 lines: values, conditions and what moto does otherwise belong together.
 */
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { openEmbeddedDynamoDB, type EmbeddedDynamoDB } from '../../kit/store/embedded-dynamodb';
import { motoPython, sayWithoutMoto, startMoto, type Moto } from '../support/moto';

const runs = Number(process.env['WEIR_CONDITIONS'] ?? 150);
const withMoto = motoPython === undefined ? describe.skip : describe;
sayWithoutMoto('random conditions of DynamoDB');

interface Condition {
  readonly text: string;
  readonly values?: Record<string, AttributeValue>;
}
type Item = Record<string, AttributeValue>;

let embedded: EmbeddedDynamoDB;
let client: DynamoDBClient;
beforeAll(async () => {
  embedded = await openEmbeddedDynamoDB();
  client = await clientWithTable(embedded.endpoint);
});
afterAll(async () => {
  client.destroy();
  await embedded.stop();
});

async function clientWithTable(endpoint: string): Promise<DynamoDBClient> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const connected = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  await connected.send(
    new CreateTableCommand({
      TableName: 'things',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  return connected;
}

const put = async (on: DynamoDBClient, item: Item, condition?: Condition): Promise<boolean | string> => {
  try {
    await on.send(
      new PutItemCommand({
        TableName: 'things',
        Item: { id: { S: 'one' }, ...item },
        ...(condition && { ConditionExpression: condition.text }),
        ...(condition?.values && { ExpressionAttributeValues: condition.values }),
      }),
    );
    return true;
  } catch (error) {
    const { name, message } = error as Error;
    return name === 'ConditionalCheckFailedException' ? false : `${name}: ${message}`;
  }
};

/** Whether a condition holds on an item. */
async function holds(item: Item, text: string, values?: Record<string, AttributeValue>) {
  await put(client, item);
  return put(client, item, { text, ...(values && { values }) });
}

const bytes = (...of: number[]): Uint8Array => Uint8Array.from(of);

describe('a condition of the embedded DynamoDB', () => {
  const item: Item = {
    s: { S: 'Zürich' },
    n: { N: '-12.50' },
    zero: { N: '0' },
    b: { B: bytes(1, 200, 3) },
    yes: { BOOL: true },
    nil: { NULL: true },
    ss: { SS: ['a', 'b'] },
    ns: { NS: ['1', '2.50'] },
    bs: { BS: [bytes(1), bytes(255)] },
    l: { L: [{ S: 'a' }, { N: '1' }, { M: { x: { N: '2' } } }] },
    m: { M: { x: { N: '1' }, deep: { L: [{ M: { y: { S: 'z' } } }] }, none: { NULL: true } } },
    blank: { S: '' },
    nothing: { M: {} },
  };

  it.each<[string, AttributeValue, boolean]>([
    ['s = :v', { S: 'Zürich' }, true],
    ['s = :v', { B: Buffer.from('Zürich') }, false],
    ['n = :v', { N: '-1.25e1' }, true],
    ['n = :v', { S: '-12.5' }, false],
    ['zero = :v', { N: '-0.0' }, true],
    ['b = :v', { B: bytes(1, 200, 3) }, true],
    ['yes = :v', { BOOL: true }, true],
    ['nil = :v', { NULL: true }, true],
    ['absent = :v', { NULL: true }, false],
    ['ss = :v', { SS: ['b', 'a'] }, true],
    ['ss = :v', { SS: ['a', 'c'] }, false],
    ['ns = :v', { NS: ['2.5', '1.0'] }, true],
    ['bs = :v', { BS: [bytes(255), bytes(1)] }, true],
    ['l = :v', { L: [{ S: 'a' }, { N: '1.0' }, { M: { x: { N: '2' } } }] }, true],
    ['l = :v', { L: [{ N: '1' }, { S: 'a' }, { M: { x: { N: '2' } } }] }, false],
    ['l <> :v', { L: [{ S: 'a' }, { N: '1' }, { M: { x: { N: '2' } } }] }, false],
    ['m = :v', { M: { none: { NULL: true }, deep: { L: [{ M: { y: { S: 'z' } } }] }, x: { N: '1' } } }, true],
    ['m = :v', { M: { x: { N: '1' } } }, false],
    ['nothing = :v', { M: {} }, true],
    ['m <> :v', { M: {} }, true],
    ['absent <> :v', { M: {} }, true],
    ['m.x = :v', { N: '1' }, true],
    ['m.deep[0].y = :v', { S: 'z' }, true],
    ['m.deep[1].y = :v', { S: 'z' }, false],
    ['l[2].x < :v', { N: '10' }, true],
    ['n < :v', { N: '-9' }, true],
    ['n < :v', { S: '5' }, false],
    ['s > :v', { S: 'Zuzwil' }, true],
    ['b < :v', { B: bytes(2) }, true],
    ['b > :v', { B: bytes(1, 127) }, true],
    ['absent < :v', { N: '1' }, false],
    ['zero BETWEEN n AND :v', { N: '0' }, true],
    ['n BETWEEN :v AND zero', { N: '-12.4' }, false],
    ['m IN (s, :v, nothing)', { M: { x: { N: '1' } } }, false],
    ['l[2] IN (s, :v)', { M: { x: { N: '2' } } }, true],
    ['yes IN (:v, nil)', { N: '1' }, false],
    ['contains(s, :v)', { S: 'üri' }, true],
    ['contains(b, :v)', { B: bytes(200, 3) }, true],
    ['contains(ss, :v)', { S: 'b' }, true],
    ['contains(ns, :v)', { N: '2.5' }, true],
    ['contains(bs, :v)', { B: bytes(255) }, true],
    ['contains(bs, :v)', { B: bytes(254) }, false],
    ['contains(l, :v)', { M: { x: { N: '2.0' } } }, true],
    ['contains(l, :v)', { N: '2' }, false],
    ['contains(m, :v)', { S: 'x' }, false],
    ['begins_with(s, :v)', { S: 'Zü' }, true],
    ['begins_with(s, :v)', { S: '' }, true],
    ['begins_with(b, :v)', { B: bytes(1, 200) }, true],
    ['begins_with(b, :v)', { B: bytes(1, 201) }, false],
    ['begins_with(n, :v)', { S: '-' }, false],
    ['attribute_type(nil, :v)', { S: 'NULL' }, true],
    ['attribute_type(bs, :v)', { S: 'BS' }, true],
    ['attribute_type(m.deep, :v)', { S: 'L' }, true],
    ['attribute_type(absent, :v)', { S: 'S' }, false],
    ['size(s) = :v', { N: '6' }, true],
    ['size(blank) = :v', { N: '0' }, true],
    ['size(b) = :v', { N: '3' }, true],
    ['size(bs) = :v', { N: '2' }, true],
    ['size(l) = :v', { N: '3' }, true],
    ['size(nothing) = :v', { N: '0' }, true],
    ['size(n) < :v', { N: '9' }, false],
    ['size(absent) < :v', { N: '9' }, false],
    ['NOT (m = :v OR attribute_exists(absent))', { M: {} }, true],
  ])('%s with %j is %s', async (text, value, expected) => {
    expect(await holds(item, text, { ':v': value })).toBe(expected);
  });

  it.each([
    ['attribute_exists(nil)', true],
    ['attribute_exists(blank)', true],
    ['attribute_exists(m.deep[0].y)', true],
    ['attribute_exists(m[0])', false],
    ['attribute_exists(l[3])', false],
    ['attribute_not_exists(hasOwnProperty)', true],
    ['attribute_not_exists(m.toString)', true],
  ])('%s is %s', async (text, expected) => {
    expect(await holds(item, text)).toBe(expected);
  });

  it.each(['m < :v', 'l BETWEEN :v AND :v', 'NOT m >= :v'])(
    '%s with a map is refused, as it could never hold',
    async (text) => {
      expect(await holds(item, text, { ':v': { M: {} } })).toMatch(
        /^ValidationException: Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: \S+, operand type: M$/,
      );
    },
  );

  it('does not hold on an item that is not there, unless it says so', async () => {
    const on = (text: string) => put(client, { id: { S: text } }, { text, values: { ':v': { S: 'x' } } });
    expect(await on('absent = :v')).toBe(false);
    expect(await on('NOT absent = :v')).toBe(true);
  });
});

/** The same number as people and programs write it. */
const notations = (digits: number, exponent: number): string[] => [
  `${digits}e${exponent}`,
  `${digits}0E${exponent - 1}`,
  `${digits}.00e+${exponent}`.replace('+-', '-'),
  exponent >= 0 ? `${digits}${'0'.repeat(exponent)}.0` : `${digits / 10 ** -exponent}`,
];
const number = fc
  .tuple(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -2, max: 4 }), fc.nat(3))
  .map(([digits, exponent, notation]) => notations(digits, exponent)[notation]!);
// Few, so that values meet one another.
const text = fc.constantFrom('', 'a', 'ab', 'b', 'Zü', 'z', '10', '\u{1F600}', '\uFFFD');
const binary = fc.constantFrom(bytes(1), bytes(1, 2), bytes(200), bytes(255, 0));
const set = <Of>(of: fc.Arbitrary<Of>, by: (value: Of) => unknown) =>
  fc.uniqueArray(of, { minLength: 1, maxLength: 3, selector: by });

const value = fc.letrec<{ any: AttributeValue; scalar: AttributeValue }>((tie) => ({
  scalar: fc.oneof(
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    binary.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true as const }),
    set(text.filter(Boolean), String).map((SS) => ({ SS })),
    set(number, Number).map((NS) => ({ NS })),
    set(binary, String).map((BS) => ({ BS })),
  ),
  any: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    tie('scalar'),
    fc.array(tie('any'), { maxLength: 2 }).map((L) => ({ L })),
    fc.dictionary(fc.constantFrom('x', 'y'), tie('any'), { maxKeys: 2 }).map((M) => ({ M })),
  ),
})).any;

const item = fc.record({ a: value, b: value, c: value }, { requiredKeys: ['a'] });
const path = fc.constantFrom('a', 'b', 'c', 'a.x', 'a[0]', 'a.x.y', 'b[1].x');
const comparison = fc.constantFrom('=', '<>', '<', '<=', '>', '>=');
/** With the values of the condition, as `:0`, `:1` …, the first two being values that the item has as often as not. */
const test = fc.oneof(
  fc.tuple(path, comparison).map(([of, operator]) => `${of} ${operator} :0`),
  fc.tuple(path, path, comparison).map(([of, other, operator]) => `${of} ${operator} ${other}`),
  path.map((of) => `${of} BETWEEN :0 AND :1`),
  path.map((of) => `${of} IN (:0, :1, c)`),
  path.map((of) => `contains(${of}, :0)`),
  path.map((of) => `begins_with(${of}, :0)`),
  path.map((of) => `attribute_exists(${of})`),
  path.map((of) => `attribute_not_exists(${of})`),
  fc
    .tuple(path, fc.constantFrom('S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'))
    .map(([of, type]) => `attribute_type(${of}, :${type})`),
  fc.tuple(path, comparison).map(([of, operator]) => `size(${of}) ${operator} :two`),
);

/** The value, or one that is the same but for its notation or order. */
const again = (of: AttributeValue): AttributeValue => {
  if (of.N !== undefined) return { N: `${Number(of.N)}` };
  if (of.SS) return { SS: [...of.SS].reverse() };
  if (of.NS) return { NS: [...of.NS].reverse().map((each) => `${Number(each)}`) };
  if (of.BS) return { BS: [...of.BS].reverse() };
  if (of.L) return { L: of.L.map(again) };
  if (of.M)
    return {
      M: Object.fromEntries(
        Object.entries(of.M)
          .reverse()
          .map(([name, each]) => [name, again(each)]),
      ),
    };
  return of;
};

const condition = fc
  .tuple(item, test, value, value, fc.boolean(), fc.boolean())
  .map(([stored, tested, first, second, isKnown, isNegated]) => {
    const all: Record<string, AttributeValue> = {
      ':0': isKnown ? again(stored.a) : first,
      ':1': isKnown ? again(stored.b ?? second) : second,
      ':two': { N: '2' },
    };
    const names = tested.match(/:\w+/g) ?? [];
    const values = Object.fromEntries(names.map((name) => [name, all[name] ?? { S: name.slice(1) }]));
    const text = isNegated ? `NOT ${tested}` : tested;
    return {
      stored: stored,
      tested,
      values,
      condition: { text, ...(names.length > 0 && { values }) },
    };
  });

type Case = Pick<
  typeof condition extends fc.Arbitrary<infer Of> ? Of : never,
  'stored' | 'tested' | 'values'
>;

/** Whether moto 5.2 does what AWS documents. The table above has the cases that are left out. */
function isMotoRight({ stored, tested, values }: Case): boolean {
  const operands = (tested.match(/(?:\b[abc](?:\.\w+|\[\d\])*|:\w+)(?![(\w])/g) ?? []).map((operand) =>
    operand.startsWith(':') ? values[operand] : valueAt(stored, operand),
  );
  const types = operands.map((operand) => operand && Object.keys(operand)[0]);
  if (/ (\S+) \S+ \1$/.test(` ${tested}`)) return false; // Refused by DynamoDB, as no operand may be there twice.
  if (/^attribute_/.test(tested)) return true;
  // To moto, NULL is the same as what is not there.
  if (types.includes('NULL') || types.filter((type) => type === undefined).length > 1) return false;
  if (/^size/.test(tested))
    return types[0] === 'S' ? operands[0]!.S !== '\u{1F600}' : /^(?:L|M|.S)$/.test(types[0] ?? '');
  if (/^contains/.test(tested)) return types[0] !== 'B';
  if (/^begins_with/.test(tested)) return types[1] === 'S';
  if (/ (?:[<>]=?|BETWEEN) /.test(tested)) {
    // Others have no order, or that of base64.
    const isOrdered = types.every((type) => type === types[1] && (type === 'S' || type === 'N'));
    if (!/BETWEEN/.test(tested)) return isOrdered;
    if (!isOrdered) return false;
    const [first, low, high] = operands.map((operand) => operand!.S ?? Number(operand!.N));
    // Before 5.2.4, moto takes the empty text for no value, and the number 0 where it stands in front of BETWEEN.
    return low! <= high! && first !== 0 && operands.every((operand) => operand!.S !== '');
  }
  return true;
}

const valueAt = (stored: Item, of: string): AttributeValue | undefined =>
  (of.match(/\w+/g) ?? []).reduce<AttributeValue | undefined>(
    (within, piece) => (/^\d/.test(piece) ? within?.L?.[Number(piece)] : within?.M?.[piece]),
    { M: stored },
  );

withMoto('random conditions', () => {
  let moto: Moto;
  let other: DynamoDBClient;
  beforeAll(async () => {
    moto = await startMoto();
    other = await clientWithTable(moto.url);
  });
  afterAll(async () => {
    other.destroy();
    await moto.stop();
  });

  it('hold in the embedded DynamoDB where they hold in moto', async () => {
    await fc.assert(
      fc.asyncProperty(condition.filter(isMotoRight), async ({ stored, condition: tested }) => {
        expect(await Promise.all([put(client, stored), put(other, stored)])).toEqual([true, true]);
        const [here, there] = await Promise.all([put(client, stored, tested), put(other, stored, tested)]);
        expect({ stored, tested, holds: here }).toEqual({ stored, tested, holds: there });
      }),
      { numRuns: runs },
    );
  });
});
