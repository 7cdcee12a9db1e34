import { startService, type RunningService } from '../../../../kit/serve/service';
import { wishlists } from '../../../../subgraphs/wishlists';

let service: RunningService;
beforeAll(async () => (service = await startService(wishlists, { port: 0, logLevel: 'silent' })));
afterAll(() => service.stop());

async function send(query: string) {
  const response = await fetch(service.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return {
    caching: response.headers.get('cache-control'),
    ...((await response.json()) as { data: unknown; errors?: { message: string }[] }),
  };
}

it('answers the lists of somebody, for half a minute', async () => {
  expect(await send('{ wishListsOf(ownerId: "u1") { id name wishes { upc } } }')).toEqual({
    caching: 'max-age=30, public',
    data: { wishListsOf: [{ id: 'u1-birthday', name: 'Birthday', wishes: expect.any(Array) }] },
  });
  const { errors } = await send('{ wishListsOf(ownerId: "u1", first: 0) { id } }');
  expect(errors).toMatchObject([{ message: '`first` must be from 1 to 100, but got: 0.' }]);
});

it('answers lists by their ids, and leaves out those that are not there', async () => {
  const { data } = await send('{ wishListsByIds(ids: ["u9-birthday", "x", "u1-birthday"]) { id ownerId } }');
  expect(data).toEqual({
    wishListsByIds: [
      { id: 'u9-birthday', ownerId: 'u9' },
      { id: 'u1-birthday', ownerId: 'u1' },
    ],
  });
});

it('knows nothing of federation', async () => {
  const { errors } = await send('{ _service { sdl } }');
  expect(errors).toMatchObject([{ message: 'Cannot query field "_service" on type "Query".' }]);
});
