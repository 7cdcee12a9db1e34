import type { ServiceGraph } from '../../gateway/console/api';

export interface PlacedNode {
  readonly name: string;
  /** The name, cut off where it is too long. */
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Per second. */
  readonly rate: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** Of SVG. */
  readonly path: string;
  readonly width: number;
  readonly rate: number;
}

export interface PlacedMap {
  readonly width: number;
  readonly height: number;
  /** Empty where only services are placed. */
  readonly clients: readonly PlacedNode[];
  /** Left out where only services are placed. */
  readonly gateway?: PlacedNode;
  readonly services: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

const margin = 16;
const client = { width: 150, height: 48 };
const middle = { width: 110, height: 48 };
const service = { width: 210, height: 66 };
const space = { across: 110, down: 18 };
/** Room for edges between services, at their right. */
const turns = 90;

/**
 * Places clients, the gateway and services in three columns, in the middle of the height each.
 *
 * @param isNarrow whether there is room for services alone
 */
export function layOutMap({ clients, services, edges }: ServiceGraph, isNarrow = false): PlacedMap {
  const heightOf = (count: number, each: number): number =>
    Math.max(0, count * (each + space.down) - space.down);
  const inner = Math.max(
    isNarrow ? 0 : heightOf(clients.length, client.height),
    heightOf(services.length, service.height),
    middle.height,
  );
  const columns = {
    client: margin,
    gateway: margin + client.width + space.across,
    service: isNarrow ? 2 : margin + client.width + space.across + middle.width + space.across,
  };
  const top = (count: number, each: number): number => margin + (inner - heightOf(count, each)) / 2;
  const placed = {
    clients: clients.map((each, i) => ({
      ...{ name: each.name, rate: each.rate, ...client, x: columns.client },
      title: shortened(each.name || (each.count > 1 ? `${each.count} others` : 'without a name'), 15),
      y: top(clients.length, client.height) + i * (client.height + space.down),
    })),
    gateway: {
      ...{ name: 'gateway', title: 'Gateway', ...middle, x: columns.gateway, y: top(1, middle.height) },
      rate: clients.reduce((sum, { rate }) => sum + rate, 0),
    },
    services: services.map((each, i) => ({
      ...{ name: each.name, title: shortened(each.name, 22), rate: each.rate, ...service },
      x: columns.service,
      y: top(services.length, service.height) + i * (service.height + space.down),
    })),
  };
  const most = Math.max(...edges.map(({ rate }) => rate), placed.gateway.rate, Number.MIN_VALUE);
  const widthOf = (rate: number): number => Math.round((1 + 4 * Math.sqrt(rate / most)) * 10) / 10;
  const byName = new Map(placed.services.map((node) => [node.name, node]));
  const named = edges.flatMap(({ from, to, rate }): PlacedEdge[] => {
    const target = byName.get(to);
    const source = from === 'gateway' ? placed.gateway : byName.get(from);
    if (source === undefined || target === undefined) return [];
    if (isNarrow && from === 'gateway') return [];
    const path = from === 'gateway' ? across(source, target) : around(source, target, services.length);
    return [{ from, to, rate, path, width: widthOf(rate) }];
  });
  const height = inner + 2 * margin;
  const width = columns.service + service.width + turns;
  if (isNarrow) return { width, height, clients: [], services: placed.services, edges: named };
  return {
    ...{ width: width + margin, height, ...placed },
    edges: [
      ...placed.clients.map((node) => ({
        ...{ from: node.name, to: 'gateway', rate: node.rate, width: widthOf(node.rate) },
        path: across(node, placed.gateway),
      })),
      ...named,
    ],
  };
}

const centre = ({ y, height }: PlacedNode): number => y + height / 2;

function across(from: PlacedNode, to: PlacedNode): string {
  const [x1, x2] = [from.x + from.width, to.x];
  const turn = (x2 - x1) / 2;
  return `M${x1} ${centre(from)} C${x1 + turn} ${centre(from)} ${x2 - turn} ${centre(to)} ${x2} ${centre(to)}`;
}

/** From the right side of a service to that of another one: the further they are apart, the wider. */
function around(from: PlacedNode, to: PlacedNode, count: number): string {
  const x = from.x + from.width;
  // Begin and end differ, so that those in both directions are told apart.
  const down = to.y > from.y ? 1 : -1;
  const [y1, y2] = [centre(from) + 10 * down, centre(to) - 10 * down];
  const steps = Math.abs(to.y - from.y) / (service.height + space.down);
  const bend = x + 24 + ((turns * 4) / 3 - 32) * (steps / Math.max(1, count - 1));
  return `M${x} ${y1} C${bend} ${y1} ${bend} ${y2} ${x} ${y2}`;
}

const shortened = (name: string, most: number): string =>
  name.length > most ? `${name.slice(0, most - 1)}…` : name;
