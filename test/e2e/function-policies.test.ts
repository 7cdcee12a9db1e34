/**
 * The policies of templates against what functions send to AWS. Functions run behind a guard that refuses, as IAM does,
 * what their templates do not allow. Nothing is refused, and each permission is used: without it a call of this test would
 * be refused. So this is both proofs in one run. What AWS does itself (`IssuedByAws`) is not part of it. Over 300 lines:
 * each function sends all that it can.
 */
import { SFN } from '@aws-sdk/client-sfn';
import { SQS } from '@aws-sdk/client-sqs';
import { pino } from 'pino';
import { subgraphTemplate } from '../../cli/package/template/subgraph-template';
import type { LambdaHandler } from '../../gateway/lambda/index';
import {
  type EmbeddedDynamoDB,
  lambdaHandler,
  openDatabase,
  openEmbeddedDynamoDB,
  openSnsSqsChannel,
  type Subgraph,
} from '../../kit';
import { startAppSyncSubgraph } from '../../kit/appsync/stand-in';
import { declarationOf } from '../../kit/declaration';
import { connectDynamoDB } from '../../kit/store/dynamodb';
import { type AnyTableDefinition, withAllOperations } from '../../kit/table/definition';
import { amountOf } from '../support/amounts';
import { guardByPolicy } from '../support/aws-guard';
import { type AwsCall, codePolicyOf, differencesOf, type Policy } from '../support/aws-policies';
import { readTemplate, resolveFunctions } from '../support/cloudformation';
import { deploy } from '../support/deploy';
import { startLambdaFront } from '../support/lambda-front';
import { invokeWithMessages } from '../support/lambda-mapping';
import { type Moto, motoPython, sayWithoutMoto, startMoto } from '../support/moto';
import { orderPlaced } from '../support/order-events';
import { eventually } from '../support/process';
import { type Answer, send, shopSubgraphs, signerOf } from '../support/shop';
import { thanks } from '../support/thanks-subgraph';

sayWithoutMoto('the tests of the policies of functions');

/** The whole shop takes 15 s of a processor. */
const isWhole = amountOf('WEIR_POLICIES', 0, 1) > 0;
const ofWhole = isWhole ? it : it.skip;

const linkKey = 'k'.repeat(64);

/** A subgraph as a function, as its template says. */
interface Deployed {
  readonly url: string;
  readonly handler: LambdaHandler;
  readonly policy: Policy;
  /** What it has asked of AWS. */
  readonly calls: readonly AwsCall[];
  readonly close: () => Promise<void>;
}

(motoPython === undefined ? describe.skip : describe)('the policy of a template', () => {
  const before = { ...process.env };
  const functions = new Map<string, Deployed>();
  let moto: Moto;
  let dynamodb: EmbeddedDynamoDB;
  let shipping: Awaited<ReturnType<typeof startAppSyncSubgraph>>;
  let sqs: SQS;
  let sfn: SFN;
  let tasks: ReturnType<typeof takeTasks> | undefined;

  beforeAll(async () => {
    [moto, dynamodb] = await Promise.all([startMoto(), openEmbeddedDynamoDB()]);
    await moto.configure({ stepfunctions: { execute_state_machine: true } });
    [sqs, sfn] = [new SQS(moto.config), new SFN(moto.config)];
    shipping = await startAppSyncSubgraph(shopSubgraphs.shipping, { port: 0, logLevel: 'silent' });
    const { accounts, products, inventory, reviews, payments, history, orders } = shopSubgraphs;
    await start(accounts);
    await start(products);
    for (const { tables = [] } of [accounts, products]) for (const table of tables) await seed(table);
    if (!isWhole) return;
    await start(inventory);
    await start(reviews);
    await start(payments);
    for (const table of inventory.tables ?? []) await seed(table);
    // The clients of the last one read the environment when they are used.
    await start(history, { OrdersUrl: 'http://127.0.0.1:1/graphql' });
    await start(orders, {
      InventoryUrl: urlOf('inventory'),
      PaymentsUrl: urlOf('payments'),
      ProductsUrl: urlOf('products'),
      ShippingUrl: shipping.url,
      ShippingApiKey: shopSubgraphs.shipping.options.shippingApiKey.default,
    });
    tasks = takeTasks();
  });

  afterAll(async () => {
    await tasks?.stop();
    process.env = before;
    for (const client of [sqs, sfn]) client.destroy();
    for (const { close } of functions.values()) await close();
    await Promise.all([shipping.stop(), moto.stop(), dynamodb.stop()]);
  });

  /** Creates what the template of a subgraph has, and opens its function behind its policy. */
  async function start<Context extends object, OptionName extends string>(
    subgraph: Subgraph<Context, OptionName>,
    parameters: Readonly<Record<string, string>> = {},
  ) {
    const text = subgraphTemplate(declarationOf(subgraph), code);
    const template = readTemplate(text);
    const values = await deploy(template, {
      ...{ aws: moto.config, dynamodb: dynamodb.endpoint },
      parameters: { LinkKeysSecret: 'link-keys', ...parameters },
    });
    const policy = codePolicyOf(template, values);
    const guard = await guardByPolicy(policy, ({ service }) =>
      service === 'dynamodb' ? dynamodb.endpoint : moto.url,
    );
    const { Variables } = resolveFunctions(
      template.Resources['Function']!.Properties!['Environment'],
      values,
    ) as {
      Variables: Record<string, string>;
    };
    process.env = {
      ...before,
      ...Variables,
      ...{ WEIR_LINK_KEYS: linkKey, LOG_LEVEL: 'silent', WEIR_SEED: 'false' },
      ...{ DYNAMODB_ENDPOINT: guard.endpoint, AWS_ENDPOINT_URL: guard.endpoint },
      ...{ AWS_REGION: moto.config.region, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    };
    const handler = lambdaHandler(subgraph) as LambdaHandler;
    const front = await startLambdaFront('function url', handler);
    const { status } = await fetch(`${front.url}/health/ready`);
    expect(status).toBe(200);
    const { calls, close: closeGuard } = guard;
    const close = async () => {
      await front.close();
      await closeGuard();
    };
    functions.set(subgraph.name, { url: `${front.url}/graphql`, handler, policy, calls, close });
  }

  /** Writes some of the sample data, without a guard. */
  async function seed(table: AnyTableDefinition): Promise<void> {
    const { client, stop } = await connectDynamoDB({ kind: 'endpoint', endpoint: dynamodb.endpoint });
    const items = [...(table.seed?.() ?? [])].slice(0, 50) as object[];
    await openDatabase({ client }).table(withAllOperations(table)).batchPut(items);
    await stop();
  }

  /** Hands the tasks of workflows to the function, as its event source does. */
  function takeTasks() {
    const stopping = new AbortController();
    const taking = (async () => {
      while (!stopping.signal.aborted)
        await invokeWithMessages({ sqs, queue: 'orders-tasks', handler: handlerOf('orders') }).catch(
          (error: unknown) => {
            if (!(error as Error).message.startsWith('There is no message')) throw error;
          },
        );
    })();
    return {
      stop: () => {
        stopping.abort();
        return taking;
      },
    };
  }

  const of = (name: string): Deployed => functions.get(name)!;
  const urlOf = (name: string): string => of(name).url;
  const handlerOf = (name: string) => of(name).handler as never;

  const ask = (name: string, { as = 'u1', scopes, ...operation }: Ask): Promise<Answer> =>
    send(urlOf(name), { ...operation, as }, signerOf(name, linkKey, scopes && { scopes }));

  /** An entity that the gateway asks a subgraph for. */
  const entity = (name: string, representation: Representation, fields: string, of: object = {}) =>
    ask(name, {
      query: `query ($of: _Any!) { _entities(representations: [$of]) { ... on ${representation.__typename} { ${fields} } } }`,
      variables: { of: representation },
      ...of,
    });

  const differences = (name: string) => differencesOf(of(name).policy, of(name).calls);

  it('is what accounts needs', async () => {
    expect((await ask('accounts', { query: '{ viewer { name } }' })).data.viewer.name).toBeDefined();
    const query = 'mutation { updateProfile(input: { bio: "x" }) { bio } }';
    expect((await ask('accounts', { query })).data.updateProfile.bio).toBe('x');
    expect(differences('accounts')).toEqual(exact);
  });

  it('is what products needs', async () => {
    const { data } = await ask('products', {
      query: '{ product(upc: "p1") { sku category { id name } } categories { name children { name } } }',
    });
    const { sku, category } = data.product;
    await entity('products', { __typename: 'Product', sku }, 'upc');
    const { errors } = await ask('products', {
      query:
        'query ($category: ID!) { all: products { edges { node { upc } } } products(category: $category) { edges { node { upc } } } search(prefix: "ca") { __typename } }',
      variables: { category: category.id },
    });
    expect(errors).toBeUndefined();
    expect(differences('products')).toEqual(exact);
  });

  ofWhole('is what orders, inventory and payments need, with workflows in Step Functions', async () => {
    const cart =
      'mutation { addToCart(input: { upc: "p1", quantity: 1 }, idempotencyKey: "c1") { itemCount } }';
    expect((await ask('orders', { query: cart })).errors).toBeUndefined();
    expect((await ask('orders', { query: '{ cart { itemCount } }' })).data.cart.itemCount).toBe(1);

    const placed = await order('o1');
    expect(await statusOf(placed)).toBe('PLACED');
    const { data } = await ask('orders', {
      query: 'query ($id: ID!) { customerOrder(id: $id) { workflow { history { state } } } }',
      variables: { id: placed },
      scopes: ['support'],
    });
    const { history } = data.customerOrder.workflow;
    expect(history.map(({ state }: { state: string }) => state)).toContain('ReserveStock');
    await entity('orders', { __typename: 'User', id: 'u1' }, 'orders { edges { node { id } } }');
    await entity('inventory', { __typename: 'OrderLine', orderId: placed, upc: 'p1' }, 'reserved');
    await entity('inventory', { __typename: 'Product', upc: 'p1' }, 'inStock');
    await entity('payments', { __typename: 'Order', id: placed }, 'payment { status }');
    const inStock = await ask('inventory', {
      query: '{ warehouses { stock { edges { node { __typename } } } } }',
    });
    expect(inStock.errors).toBeUndefined();

    // A payment is taken again after its provider has not answered, and given back.
    const unpaid = await order('o2', { paymentToken: 'tok_late' });
    const tooMany = await order('o3', { quantity: 99 });
    expect(await statusOf(tooMany)).toBe('REFUSED');
    await eventually(async () => (await statusOf(unpaid)) !== 'PENDING');
    const cancel = 'mutation ($id: ID!) { cancelOrder(id: $id) { status } }';
    expect((await ask('orders', { query: cancel, variables: { id: placed } })).errors).toBeUndefined();

    await operate();
    expect(differences('orders')).toEqual(exact);
    expect(differences('inventory')).toEqual(exact);
    expect(differences('payments')).toEqual(exact);
  });

  ofWhole('is what reviews and history need', async () => {
    const write = `mutation { writeReview(input: { upc: "p1", rating: 5, body: "Good.", mediaId: "p1-1" }, idempotencyKey: "r1") { id } }`;
    const { data } = await ask('reviews', { query: write });
    expect((await ask('reviews', { query: write })).data).toEqual(data);
    const page = 'reviews { edges { node { id } } }';
    await entity('reviews', { __typename: 'Product', upc: 'p1' }, `${page} ratingSummary { count }`);
    await entity('reviews', { __typename: 'User', id: 'u1' }, page);
    await entity('reviews', { __typename: 'Media', id: 'p1-1' }, page);
    await ask('reviews', {
      query: 'query ($id: ID!) { review(id: $id) { body } }',
      variables: { id: data.writeReview.id },
    });
    await entity(
      'history',
      { __typename: 'User', id: 'u1' },
      'orderHistory { asOf edges { node { status } } }',
    );
    await entity('history', { __typename: 'Product', upc: 'p1' }, 'popularity { orderCount }');

    // A function may read a projection in whatever way, and apply events: the kit cannot know which its code does.
    const isOfProjections = (sentence: string) =>
      / table\/(ratings|order-history|popularity)-\*/.test(sentence);
    for (const name of ['reviews', 'history']) {
      const { refused, unused } = differences(name);
      expect({ refused, unused: unused.filter((each) => !isOfProjections(each)) }).toEqual(exact);
    }
  });

  it('is what a consumer needs, and refuses what its subgraph does not declare', async () => {
    const channel = await openSnsSqsChannel({
      ...{ subgraph: 'orders', create: true, aws: moto.config, log: pino({ level: 'silent' }) },
    });
    await channel.prepare({ publishes: true, consumers: {} });
    await start(thanks, { OrdersUrl: 'http://127.0.0.1:1/graphql', MailToken: 'x' });
    const event = { type: 'OrderPlaced', data: {} };
    await channel.publish([
      orderPlaced({ id: 'e1', subject: 'o1', ...event }),
      orderPlaced({ id: 'e2', subject: 'o2', ...event, data: { poison: true } }),
    ]);
    channel.close();
    for (let handled = 0; handled < 2;) {
      await invokeWithMessages({ sqs, queue: 'thanks-thank-buyer.fifo', handler: handlerOf('thanks') });
      handled = of('thanks').calls.filter(
        ({ action }) => action === 'sqs:SendMessage' || action === 'sns:Publish',
      ).length;
    }
    expect(differences('thanks')).toEqual(exact);

    const { errors } = await ask('thanks', { query: 'mutation { rename(id: "x", title: "y") { id } }' });
    expect(errors).toMatchObject([{ message: 'Internal server error' }]);
    expect(differences('thanks')).toEqual({ ...exact, refused: ['dynamodb:PutItem table/secrets'] });
  });

  /** Places an order and resolves with its id. */
  async function order(key: string, { quantity = 1, paymentToken = 'tok_ok' } = {}): Promise<string> {
    const address = { street: 'Via Po 1', city: 'Turin', postalCode: '10124', country: 'IT' };
    const { data, errors } = await ask('orders', {
      query:
        'mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) { id } }',
      variables: {
        input: { lines: [{ upc: 'p1', quantity }], deliveryAddress: address, paymentToken },
        key,
      },
    });
    const id = (data?.placeOrder?.id ?? errors?.[0]!.extensions['orderId']) as string;
    await eventually(async () => ![undefined, 'PENDING'].includes(await statusOf(id)));
    return id;
  }

  async function statusOf(id: string): Promise<string | undefined> {
    const { data } = await ask('orders', {
      query: 'query ($id: ID!) { order(id: $id) { status } }',
      variables: { id },
    });
    return data.order?.status as string | undefined;
  }

  /** What `weir workflow` does, with an execution that has failed. */
  async function operate(): Promise<void> {
    const url = urlOf('orders').replace('graphql', 'workflows');
    const act = async (body: object): Promise<void> => {
      const text = JSON.stringify(body);
      const headers = { 'content-type': 'application/json', ...signerOf('orders', linkKey)(text, undefined) };
      await fetch(url, { method: 'POST', headers, body: text });
    };
    await act({});
    const fails = { StartAt: 'Fail', States: { Fail: { Type: 'Fail', Error: 'NO' } } };
    for (const workflow of ['place-order', 'cancel-order']) {
      const stateMachineArn = `arn:aws:states:us-east-1:123456789012:stateMachine:orders-${workflow}`;
      await sfn.updateStateMachine({ stateMachineArn, definition: JSON.stringify(fails) });
      const execution = `${workflow}.failed`;
      const started = { stateMachineArn, name: execution, input: '{"trace":{}}' };
      const { executionArn } = await sfn.startExecution(started);
      await eventually(async () => (await sfn.describeExecution({ executionArn })).status === 'FAILED');
      await act({ action: 'show', execution });
      // moto does not know how to go on with it.
      await act({ action: 'retry', execution });
    }
  }
});

interface Representation {
  readonly __typename: string;
  readonly [field: string]: string;
}

interface Ask {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly as?: string;
  readonly scopes?: readonly string[];
}

const code = { uri: 'code', handler: 'index.handler' };

const exact = { refused: [], unused: [] };
