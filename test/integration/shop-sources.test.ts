/** The two services of the sample shop that are no subgraphs of Federation, through a gateway. */
import { developmentCredentials } from '../../cli/dev/credentials';
import { deliveryOf, suppliers } from '../../subgraphs/suppliers/seed';
import { seedWishLists } from '../../subgraphs/wishlists/seed';
import { type Json, sourceOf, startTestGateway, type TestGateway } from '../support/running-gateway';
import { type Shop, startShop } from '../support/shop';

let shop: Shop;
let gateway: TestGateway;
/** What was called since they were emptied: method and path, or the document of an operation. */
const calls: string[] = [];

beforeAll(async () => {
  shop = await startShop({ sources: true });
  gateway = await startTestGateway({
    supergraph: sourceOf(shop.supergraphSdl),
    auth: (await developmentCredentials()).auth,
    interceptors: [
      (next) => (request) => {
        const { operation, http } = request;
        calls.push(`${operation.subgraph}: ${http ? `${http.method} ${http.path}` : operation.document}`);
        return next(request);
      },
    ],
  });
});
afterAll(async () => {
  await gateway.stop();
  await shop.stop();
});
beforeEach(() => {
  calls.length = 0;
});

const lists = [...seedWishLists()];
const supplierOf = (upc: string): Json => {
  const [{ supplierId, deliveryDays }] = deliveryOf(upc) as [Json];
  const { name, 'e-mail': mail } = suppliers.find(({ id }) => id === supplierId)!;
  return { deliveryDays, supplier: { name, e_mail: mail } };
};
const callsOf = (name: string): string[] => calls.filter((call) => call.startsWith(`${name}:`));

it('answer one query together with subgraphs, with one call each for many', async () => {
  const { data, errors } = await gateway.query(
    '{ user(id: "u3") { name wishLists { name owner { id } wishes { note product { upc deliveryDays supplier { name e_mail } } } } } }',
  );
  expect(errors).toBeUndefined();
  const own = lists.filter(({ ownerId }) => ownerId === 'u3');
  expect(data.user.name).toEqual(expect.any(String));
  expect(data.user.wishLists).toEqual(
    own.map(({ name, wishes }) => ({
      ...{ name, owner: { id: 'u3' } },
      wishes: wishes.map(({ note, upc }) => ({ note, product: { upc, ...supplierOf(upc) } })),
    })),
  );
  const upcs = new Set(own.flatMap(({ wishes }) => wishes.map(({ upc }) => upc)));
  expect(callsOf('wishlists')).toHaveLength(1);
  const [products, suppliersCall, ...others] = callsOf('suppliers');
  expect(others).toEqual([]);
  expect(products!.split('=')[1]!.split(/,|%2C/)).toHaveLength(upcs.size);
  expect(suppliersCall).toMatch(/GET \/suppliers\?ids=/);
});

it('has the lists of several users by one operation', async () => {
  const { data } = await gateway.query(
    '{ a: user(id: "u1") { wishLists(first: 1) { name } } b: user(id: "u2") { wishLists(first: 1) { name } } }',
  );
  expect(data).toEqual({
    a: { wishLists: [{ name: 'Birthday' }] },
    b: { wishLists: [{ name: 'Birthday' }] },
  });
  expect(callsOf('wishlists')).toHaveLength(1);
});

it('lets support staff alone write to suppliers', async () => {
  const query = 'mutation { createEnquiry(id: "s1", body: { upc: "p1", text: "When?" }) { upc text } }';
  const { errors } = await gateway.query(query);
  expect(errors![0]!.extensions.code).toBe('UNAUTHORIZED_FIELD_OR_TYPE');
  expect(calls).toEqual([]);
  const sent = await gateway.post({ query }, { headers: { authorization: 'Bearer support' } });
  const { data } = (await sent.json()) as Json;
  expect(data).toEqual({ createEnquiry: { upc: 'p1', text: 'When?' } });
  expect(calls).toEqual(['suppliers: POST /suppliers/s1/enquiries']);
});

it('hides what only joins them', async () => {
  for (const field of ['wishListsByIds(ids: ["1"]) { id }', 'listProducts(upcs: ["p1"]) { upc }']) {
    const { errors } = await gateway.query(`{ ${field} }`);
    expect(errors![0]!.message).toMatch(/^Cannot query field/);
  }
});

it('leaves the rest when one of them is down, and names it', async () => {
  await shop.services.suppliers!.stop();
  const { data, errors } = await gateway.query(
    '{ product(upc: "p99") { name deliveryDays supplier { name } } user(id: "u7") { wishLists { name } } }',
  );
  expect(data).toEqual({
    product: { name: expect.any(String), deliveryDays: null, supplier: null },
    user: {
      wishLists: [{ name: 'Birthday' }, ...(data.user.wishLists.length > 1 ? [{ name: 'Home' }] : [])],
    },
  });
  const refused = 'Subgraph "suppliers" refused the connection.';
  expect((errors as Json[]).map(({ message, path }) => [message, path.join('.')])).toEqual([
    [refused, 'product.deliveryDays'],
    [refused, 'product.supplier'],
  ]);
});
