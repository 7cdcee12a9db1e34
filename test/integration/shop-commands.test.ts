/** The mutations of the sample shop, through the gateway. Over 300 lines: each mutation, and each way in which it fails. */
import { type Command } from '../../kit';
import { stockTable } from '../../subgraphs/inventory/table';
import { ordersTable } from '../../subgraphs/orders/table';
import { readEvents } from '../support/event-reader';
import { type Json } from '../support/running-gateway';
import { startShop, type Answer, type Operation, type Shop, type SubgraphName } from '../support/shop';

let shop: Shop;
let keys = 0;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop.stop());

describe('placeOrder', () => {
  it('sets the stock aside, and takes what was ordered out of the cart', async () => {
    const before = await stockOf('p101');
    await addToCart('u101', { upc: 'p101', quantity: 3 });
    await addToCart('u101', { upc: 'p102', quantity: 1 });

    const { data, errors } = await placeOrder('u101', { lines: [{ upc: 'p101', quantity: 2 }] });

    expect(errors).toBeUndefined();
    expect(data.placeOrder).toMatchObject({ status: 'PLACED', lines: [{ upc: 'p101', quantity: 2 }] });
    expect(await stockOf('p101')).toBe(before - 2);
    expect(await reservedOf(data.placeOrder.id, 'p101')).toBe(2);
    const cart = await cartOf('u101');
    expect(cart.get('p101')).toBe(1);
    expect(cart.get('p102')).toBeGreaterThanOrEqual(1);
  });

  it('returns the first order when the key comes again, and sets nothing more aside', async () => {
    const before = await stockOf('p106');
    const order = { lines: [{ upc: 'p106', quantity: 1 }], idempotencyKey: 'again' };
    const first = await placeOrder('u105', order);
    const second = await placeOrder('u105', order);

    expect(second.data).toEqual(first.data);
    expect(await stockOf('p106')).toBe(before - 1);
  });

  it('places one order when the same request comes five times at once', async () => {
    const before = await stockOf('p107');
    const order = { lines: [{ upc: 'p107', quantity: 1 }], idempotencyKey: 'at once' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => placeOrder('u106', order)));

    expect(answers.map(({ errors }) => errors)).toEqual(Array(5).fill(undefined));
    expect(new Set(answers.map(({ data }) => data.placeOrder.id)).size).toBe(1);
    expect(await stockOf('p107')).toBe(before - 1);
    expect((await ordersOf('u106')).filter(({ status }) => status === 'PLACED')).toHaveLength(1);
  });

  it('is PENDING when the order cannot be written, and placed as soon as it can', async () => {
    const before = await stockOf('p109');
    const order = { lines: [{ upc: 'p109', quantity: 1 }], idempotencyKey: 'unlucky' };

    const pending = await whileFailing('orders', { name: 'PutItem', table: 'orders' }, () =>
      sendOrder('u108', order),
    );
    expect(pending.data.placeOrder).toMatchObject({ status: 'PENDING', lines: order.lines });
    expect(await stockOf('p109')).toBe(before);

    expect((await placeOrder('u108', order)).data.placeOrder.status).toBe('PLACED');
    expect(await stockOf('p109')).toBe(before - 1);
  });

  it.each([
    ['tok_declined', 'PAYMENT_DECLINED'],
    ['tok_timeout', 'UNAVAILABLE'],
  ])('gives the stock back and takes no money for %s', async (paymentToken, code) => {
    const before = await stockOf('p110');
    const order = { lines: [{ upc: 'p110', quantity: 1 }], idempotencyKey: paymentToken, paymentToken };

    const answer = await placeOrder('u109', order);
    expect(answer.errors).toMatchObject([{ extensions: { code, orderId: expect.any(String) } }]);
    const { orderId } = answer.errors![0]!.extensions;
    expect(await orderOf('u109', orderId)).toMatchObject({ status: 'REFUSED', refusal: { code } });
    expect(await stockOf('p110')).toBe(before);
    expect((await paymentOf('u109', orderId))?.status).not.toBe('TAKEN');
  });

  it.each(['tok_twice', 'tok_late'])('is placed and paid once with %s', async (paymentToken) => {
    const order = { lines: [{ upc: 'p113', quantity: 2 }], idempotencyKey: paymentToken, paymentToken };
    const { data } = await placeOrder('u109', order);
    expect(data.placeOrder.status).toBe('PLACED');
    const { total } = await orderOf('u109', data.placeOrder.id);
    expect(await paymentOf('u109', data.placeOrder.id)).toEqual({ status: 'TAKEN', amount: total });
    expect(total).toBeGreaterThan(0);
  });

  it('refuses a product that does not exist', async () => {
    const { errors } = await placeOrder('u109', { lines: [{ upc: 'p9999', quantity: 1 }] });
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND', upc: 'p9999' } }]);
  });

  it.each(['4111111111111111', 4111111111111111, '5555 5555 5555 4444'])(
    'repeats no card number: %#',
    async (paymentToken) => {
      const answer = await placeOrder('u109', { lines: [{ upc: 'p1', quantity: 1 }], paymentToken });
      expect(answer.errors).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT', argument: 'input.paymentToken' } },
      ]);
      expect(JSON.stringify(answer)).not.toMatch(/4111|5555/);
    },
  );

  it('stands when the cart cannot be changed, and changes it later', async () => {
    await addToCart('u110', { upc: 'p111', quantity: 1 });
    const order = { lines: [{ upc: 'p111', quantity: 1 }], idempotencyKey: 'cart' };

    const placed = await whileFailing('orders', { name: 'PutItem', table: 'carts' }, () =>
      placeOrder('u110', order),
    );
    expect(placed.errors).toBeUndefined();
    expect((await cartOf('u110')).get('p111')).toBe(1);

    await eventually(async () => !(await cartOf('u110')).has('p111'));
  });

  it.each([
    [[{ upc: 'p1', quantity: 0 }], 'input.lines'], // oxfmt-ignore
  ])('refuses the lines %j', async (lines, argument) => {
    const { errors } = await placeOrder('u112', { lines });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
  });

  it('wants to know who orders', async () => {
    const { errors } = await placeOrder(undefined, { lines: [{ upc: 'p1', quantity: 1 }] });
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  });
});

describe('cancelOrder', () => {
  it('gives money and stock back, however often it is called', async () => {
    const before = await stockOf('p115');
    const { data } = await placeOrder('u118', { lines: [{ upc: 'p115', quantity: 3 }] });
    const { id } = data.placeOrder;
    expect(await stockOf('p115')).toBe(before - 3);

    for (let i = 0; i < 2; i++)
      expect((await cancelOrder('u118', id)).data.cancelOrder.status).toBe('CANCELLED');
    expect(await stockOf('p115')).toBe(before);
    expect((await paymentOf('u118', id)).status).toBe('REFUNDED');
    expect((await orderOf('u118', id)).refusal).toBeNull();
  });

  it('is for the buyer, and for an order that is not on its way', async () => {
    const { data } = await placeOrder('u118', { lines: [{ upc: 'p116', quantity: 1 }] });
    expect((await cancelOrder('u119', data.placeOrder.id)).errors).toMatchObject([
      { extensions: { code: 'NOT_FOUND' } },
    ]);
    await shop.subgraphs.orders.db
      .table(ordersTable)
      .update({ id: data.placeOrder.id }, { set: { status: 'SHIPPED' } });
    const { errors } = await cancelOrder('u118', data.placeOrder.id);
    expect(errors).toMatchObject([{ extensions: { code: 'CONFLICT' } }]);
  });
});

describe('takePayment', () => {
  it.each(['4111111111111111', 4111111111111111])('repeats no card number: %#', async (token) => {
    const answer = await send('payments', {
      query: `mutation ($token: ID!) {
        takePayment(orderId: "card", payerId: "u1", amount: 100, token: $token) { status }
      }`,
      variables: { token },
    });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'token' } }]);
    expect(JSON.stringify(answer)).not.toContain('4111');
  });

  it('is shown to whoever pays, and to nobody else', async () => {
    await send('payments', {
      query:
        'mutation { takePayment(orderId: "seen", payerId: "u1", amount: 100, token: "tok_ok") { status } }',
    });
    const query =
      '{ _entities(representations: [{ __typename: "Order", id: "seen" }]) { ... on Order { payment { amount status } } } }';
    const [own, other] = await Promise.all(['u1', 'u2'].map((as) => send('payments', { query, as })));
    expect(own!.data._entities).toEqual([{ payment: { amount: 100, status: 'TAKEN' } }]);
    expect(other!.data._entities).toEqual([{ payment: null }]);
  });
});

describe('a cart', () => {
  it('holds no more than 99 pieces of a product, whatever it is called', async () => {
    expect((await addToCart('u114', { upc: 'constructor', quantity: 99 })).errors).toBeUndefined();
    const { errors } = await addToCart('u114', { upc: 'constructor', quantity: 1 });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument: 'input.quantity' } }]);
  });
});

describe('writeReview', () => {
  it('writes one review when the same request comes five times at once, and counts it once', async () => {
    const before = await ratingCountOf('p130');
    const review = { upc: 'p130', rating: 4, body: 'Good.', idempotencyKey: 'at once' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => writeReview('u1', review)));

    expect(answers.map(({ errors }) => errors)).toEqual(Array(5).fill(undefined));
    expect(new Set(answers.map(({ data }) => data.writeReview.id)).size).toBe(1);
    expect(await ratingCountOf('p130')).toBe(before + 1);
  });

  it('tells once that the ratings have a review, when they have it', async () => {
    const told = await readEvents(shop.urls.reviews, '?types=RatingsChanged');
    const before = await ratingCountOf('p135');
    const review = { upc: 'p135', rating: 4, body: 'Good.', idempotencyKey: 'told' };
    const { data } = await writeReview('u5', review);
    const next = async (): Promise<Json> => {
      for (;;) {
        const [event] = (await told.take(1)) as Json[];
        // Reviews of other tests may be on their way.
        if (event.data.upc === 'p135') return event;
      }
    };
    expect(await next()).toMatchObject({ subject: data.writeReview.id, sequence: 2 });
    expect(await ratingCountOf('p135')).toBe(before + 1);
    await writeReview('u5', review);
    const { data: other } = await writeReview('u6', { upc: 'p135', rating: 4, body: 'Good.' });
    expect((await next()).subject).toBe(other.writeReview.id);
    told.close();
  });

  it('shows the new review first, to its product and to its author', async () => {
    const { data } = await writeReview('u3', { upc: 'p133', rating: 5, body: '  As new.  ' });
    const { id } = data.writeReview;
    const { data: lists } = await send('reviews', {
      query: `{
        _entities(representations: [{ __typename: "Product", upc: "p133" }, { __typename: "User", id: "u3" }]) {
          ... on Product { reviews(first: 1) { edges { node { id body } } } }
          ... on User { reviews(first: 1) { edges { node { id body } } } }
        }
      }`,
    });
    const first = { reviews: { edges: [{ node: { id, body: 'As new.' } }] } };
    expect(lists._entities).toEqual([first, first]);
  });

  it.each([
    [{ rating: 0 }, 'input.rating'],
    [{ body: '  ' }, 'input.body'],
    [{ idempotencyKey: '' }, 'idempotencyKey'],
  ])('refuses %j', async (wrong, argument) => {
    const { errors } = await writeReview('u4', { upc: 'p134', rating: 3, body: 'So-so.', ...wrong });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', argument } }]);
  });
});

const send = (name: SubgraphName, operation: Operation) => shop.send(name, operation);

function address(city: string) {
  return { street: 'Via Po 1', city, postalCode: '10124', country: 'IT' };
}

interface GivenOrder {
  readonly lines: object[];
  readonly idempotencyKey?: string;
  readonly paymentToken?: unknown;
}

/** Asks until the order has ended, as clients do: on a busy machine it is `PENDING` at first. */
async function placeOrder(as: string | undefined, given: GivenOrder): Promise<Answer> {
  const order = { idempotencyKey: `key ${keys++}`, ...given };
  for (;;) {
    const answer = await sendOrder(as, order);
    if (answer.data?.placeOrder?.status !== 'PENDING') return answer;
  }
}

function sendOrder(
  as: string | undefined,
  { lines, idempotencyKey, paymentToken = 'tok_ok' }: GivenOrder,
): Promise<Answer> {
  return send('orders', {
    query: `mutation ($input: PlaceOrderInput!, $key: String!) {
      placeOrder(input: $input, idempotencyKey: $key) { id status placedAt lines { upc quantity } }
    }`,
    variables: { input: { lines, deliveryAddress: address('Turin'), paymentToken }, key: idempotencyKey },
    ...(as !== undefined && { as }),
  });
}

const cancelOrder = (as: string, id: string) =>
  send('orders', {
    query: 'mutation ($id: ID!) { cancelOrder(id: $id) { id status } }',
    variables: { id },
    as,
  });

async function orderOf(as: string, id: unknown): Promise<Json> {
  const { data } = await send('orders', {
    query: 'query ($id: ID!) { order(id: $id) { status total refusal { code message } } }',
    variables: { id },
    as,
  });
  return data.order;
}

async function paymentOf(as: string, id: unknown): Promise<Json> {
  const { data } = await send('payments', {
    query:
      'query ($order: _Any!) { _entities(representations: [$order]) { ... on Order { payment { amount status } } } }',
    variables: { order: { __typename: 'Order', id } },
    as,
  });
  return data._entities[0].payment;
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 100));
}

function addToCart(
  as: string,
  { idempotencyKey = `key ${keys++}`, ...input }: { upc: string; quantity: number; idempotencyKey?: string },
): Promise<Answer> {
  return send('orders', {
    query: `mutation ($input: AddToCartInput!, $key: String!) {
      addToCart(input: $input, idempotencyKey: $key) { itemCount }
    }`,
    variables: { input, key: idempotencyKey },
    as,
  });
}

function writeReview(
  as: string,
  {
    idempotencyKey = `key ${keys++}`,
    ...input
  }: { upc: string; rating: number; body: string; idempotencyKey?: string },
): Promise<Answer> {
  return send('reviews', {
    query: `mutation ($input: WriteReviewInput!, $key: String!) {
      writeReview(input: $input, idempotencyKey: $key) { id }
    }`,
    variables: { input, key: idempotencyKey },
    as,
  });
}

function stock() {
  return shop.subgraphs.inventory.db.table(stockTable);
}

/** How many can be ordered. */
async function stockOf(upc: string): Promise<number> {
  return (await stock().get({ upc }, { consistent: true }))!.available;
}

async function reservedOf(orderId: string, upc: string): Promise<number> {
  const { data } = await send('inventory', {
    query: `query ($line: _Any!) { _entities(representations: [$line]) { ... on OrderLine { reserved } } }`,
    variables: { line: { __typename: 'OrderLine', orderId, upc } },
  });
  return data._entities[0].reserved;
}

async function ordersOf(id: string): Promise<{ status: string }[]> {
  const { data } = await send('orders', {
    query: `query ($user: _Any!) {
      _entities(representations: [$user]) { ... on User { orders(first: 100) { edges { node { status } } } } }
    }`,
    variables: { user: { __typename: 'User', id } },
    as: id,
  });
  return data._entities[0].orders.edges.map((edge: Json) => edge.node);
}

async function cartOf(as: string): Promise<Map<string, number>> {
  const { data } = await send('orders', { query: '{ cart { lines { product { upc } quantity } } }', as });
  return new Map(data.cart.lines.map((line: Json) => [line.product.upc, line.quantity]));
}

async function ratingCountOf(upc: string): Promise<number> {
  const { data } = await send('reviews', {
    query: `query ($product: _Any!) { _entities(representations: [$product]) { ... on Product { ratingSummary { count } } } }`,
    variables: { product: { __typename: 'Product', upc } },
  });
  return data._entities[0].ratingSummary.count;
}

/** Lets commands of one kind fail in a subgraph while `act` runs; the first `after` of them work. */
async function whileFailing<Result>(
  subgraph: SubgraphName,
  { name, table, after = 0 }: Pick<Command, 'name' | 'table'> & { after?: number },
  act: () => Promise<Result>,
): Promise<Result> {
  let seen = 0;
  const stop = shop.subgraphs[subgraph].db.onCommand((command) => {
    if (command.name === name && command.table === table && seen++ >= after) throw new Error('It fails.');
    return undefined;
  });
  try {
    return await act();
  } finally {
    stop();
  }
}
