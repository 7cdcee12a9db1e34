import { openEmbeddedDynamoDB, type EmbeddedDynamoDB } from '../../../../kit';
import { startAppSyncSubgraph } from '../../../../kit/appsync/stand-in';
import { shipping } from '../../../../subgraphs/shipping';

let dynamodb: EmbeddedDynamoDB;
beforeAll(async () => (dynamodb = await openEmbeddedDynamoDB()));
afterAll(() => dynamodb.stop());

/** Runs a stand-in that has just been started. */
async function withStandIn<Result>(act: (url: string) => Promise<Result>): Promise<Result> {
  const database = { kind: 'endpoint', endpoint: dynamodb.endpoint } as const;
  const standIn = await startAppSyncSubgraph(shipping, { port: 0, database });
  try {
    return await act(standIn.url);
  } finally {
    await standIn.stop();
  }
}

async function send(
  url: string,
  query: string,
  headers: Record<string, string> = { 'x-api-key': shipping.options.shippingApiKey.default },
) {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as {
    data: unknown;
    errors?: readonly { message: string }[];
  };
  return errors ? errors.map(({ message }) => message) : data;
}
const announce = (id: string) =>
  `mutation { announceShipment(orderId: "${id}", country: "NL") { trackingNumber place } }`;
const withdraw = (id: string) => `mutation { withdrawShipment(orderId: "${id}") }`;

it('announces a shipment, any number of times', async () => {
  const announced = { announceShipment: { trackingNumber: 'POSTNL-o1', place: null } };
  for (let i = 0; i < 2; i++)
    expect(await withStandIn((url) => send(url, announce('o1')))).toEqual(announced);
});

it.each(['before it was announced', 'after it was announced'])(
  'knows of a shipment that was withdrawn %s when it is started again',
  async (when) => {
    const id = when.replaceAll(' ', '-');
    if (when.startsWith('after')) await withStandIn((url) => send(url, announce(id)));
    expect(await withStandIn((url) => send(url, withdraw(id)))).toEqual({ withdrawShipment: id });
    expect(await withStandIn((url) => send(url, announce(id)))).toEqual([
      `The shipment of the order "${id}" was withdrawn.`,
    ]);
    expect(await withStandIn((url) => send(url, withdraw(id)))).toEqual({ withdrawShipment: id });
  },
);

it('knows where a parcel is when it is started again', async () => {
  const move = 'mutation { moveShipment(orderId: "o2", carrier: "DPD", place: "Utrecht") { place } }';
  const headers = { authorization: shipping.options.carrierToken.default };
  expect(await withStandIn((url) => send(url, move, headers))).toEqual({
    moveShipment: { place: 'Utrecht' },
  });
  const representations = ['SHIPPED', 'PLACED'].map(
    (status) => `{ __typename: "Order", id: "o2", status: ${status}, deliveryAddress: { country: "FR" } }`,
  );
  const query = `{ _entities(representations: [${representations.join()}]) { ... on Order { shipment { place } } } }`;
  expect(await withStandIn((url) => send(url, query))).toEqual({
    _entities: [{ shipment: { place: 'Utrecht' } }, { shipment: null }],
  });
});
