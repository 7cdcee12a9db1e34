import { layOutMap } from '../../../../console/parts/map-layout';
import type { ServiceGraph } from '../../../../gateway/console/api';

const service = (name: string, rate: number): ServiceGraph['services'][number] => ({
  ...{ name, url: `http://${name}/`, rate, errors: 0, p50: null, p99: null, breaker: 'closed' },
  endpoints: [],
});
const graph: ServiceGraph = {
  services: [service('products', 9), service('reviews', 1), service('a-service-with-a-very-long-name', 0)],
  clients: [
    { name: 'web', count: 1, rate: 4 },
    { name: '', count: 3, rate: 1 },
    { name: '', count: 1, rate: 0 },
  ],
  edges: [
    { from: 'gateway', to: 'products', rate: 9 },
    { from: 'gateway', to: 'reviews', rate: 1 },
    { from: 'products', to: 'reviews', rate: 1 },
    { from: 'reviews', to: 'products', rate: 0 },
    { from: 'gateway', to: 'gone', rate: 1 },
  ],
};

it('places clients, the gateway and services from the left to the right, within the map', () => {
  const { clients, gateway: placed, services, width, height } = layOutMap(graph);
  const gateway = placed!;
  expect(clients[0]!.x).toBeLessThan(gateway.x);
  expect(gateway.x).toBeLessThan(services[0]!.x);
  for (const node of [...clients, gateway, ...services]) {
    expect(node.x + node.width).toBeLessThan(width);
    expect(node.y).toBeGreaterThanOrEqual(0);
    expect(node.y + node.height).toBeLessThanOrEqual(height);
  }
  for (const column of [clients, services])
    for (const [i, node] of column.entries())
      if (i > 0) expect(node.y).toBeGreaterThan(column[i - 1]!.y + column[i - 1]!.height);
});

it('draws edges the wider the more calls there are, and none to what is not there', () => {
  const edges = layOutMap(graph).edges.filter(({ to }) => to !== 'gateway');
  expect(edges.map(({ from, to, width }) => [from, to, width])).toEqual([
    ['gateway', 'products', 5],
    ['gateway', 'reviews', 2.3],
    ['products', 'reviews', 2.3],
    ['reviews', 'products', 1],
  ]);
  // Both directions are seen.
  expect(edges[2]!.path).not.toBe(edges[3]!.path);
});

it('names clients without a name, and cuts long names off', () => {
  const { clients, services } = layOutMap(graph);
  expect(clients.map(({ title }) => title)).toEqual(['web', '3 others', 'without a name']);
  expect(services[2]!.title).toBe('a-service-with-a-very…');
});

it('draws a graph without clients and services', () => {
  expect(layOutMap({ services: [], clients: [], edges: [] })).toMatchObject({ edges: [], services: [] });
});

it('places services alone where there is no room for more', () => {
  const map = layOutMap(graph, true);
  expect(map.width).toBeLessThan(342);
  expect([map.clients, map.gateway]).toEqual([[], undefined]);
  expect(map.services.map(({ name }) => name)).toEqual(graph.services.map(({ name }) => name));
  expect(map.edges.every(({ from }) => from !== 'gateway')).toBe(true);
});
