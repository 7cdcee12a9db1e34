import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ServiceGraph } from '../../gateway/console/api';
import { duration, rate, share } from './format';
import { layOutMap, type PlacedNode } from './map-layout';
import { colourOf } from './subgraph-colours';

type Service = ServiceGraph['services'][number];

export interface ServiceMapProps {
  readonly graph: ServiceGraph;
  /** The name of the chosen service. */
  readonly chosen: string | undefined;
  readonly choose: (name: string | undefined) => void;
}

/**
 * Who calls whom, from the left to the right: clients, the gateway, services; in a narrow window services alone. A table beside it has the same in words, so
 * that the drawing itself is only for those who see it; its services are buttons.
 */
export function ServiceMap({ graph, chosen, choose }: ServiceMapProps): JSX.Element {
  const isNarrow = useNarrow();
  const map = layOutMap(graph, isNarrow);
  return (
    <div class="scroll map" role="region" aria-label="Service map" tabIndex={0}>
      <svg width={map.width} height={map.height} viewBox={`0 0 ${map.width} ${map.height}`} role="group">
        <ArrowHead />
        {map.edges.map(({ from, to, path, width, rate: calls }) => {
          const service = graph.services.find(({ name }) => name === to);
          const isDim = chosen !== undefined && from !== chosen && to !== chosen;
          return (
            <path
              key={`${from} ${to}`}
              d={path}
              class={`edge ${from === 'gateway' ? toneOf(service) : ''} ${isDim ? 'dim' : ''}`}
              stroke-width={width}
              marker-end="url(#arrow)"
            >
              <title>{`${from || 'other clients'} → ${to}: ${rate(calls)}`}</title>
            </path>
          );
        })}
        {map.clients.map((node) => (
          <g key={node.name} class="node">
            <rect x={node.x} y={node.y} width={node.width} height={node.height} rx="6" />
            <Text node={node} line={1} class="name">
              {node.title}
            </Text>
            <Text node={node} line={2}>
              {rate(node.rate)}
            </Text>
          </g>
        ))}
        {map.gateway && (
          <g class="node gateway">
            <rect
              x={map.gateway.x}
              y={map.gateway.y}
              width={map.gateway.width}
              height={map.gateway.height}
              rx="6"
            />
            <Text node={map.gateway} line={1} class="name">
              Gateway
            </Text>
            <Text node={map.gateway} line={2}>
              {rate(map.gateway.rate)}
            </Text>
          </g>
        )}
        {map.services.map((node) => {
          const service = graph.services.find(({ name }) => name === node.name)!;
          const isChosen = chosen === node.name;
          const toggle = (): void => choose(isChosen ? undefined : node.name);
          return (
            <g
              key={node.name}
              class={`node service ${toneOf(service)}`}
              role="button"
              tabindex={0}
              aria-pressed={isChosen}
              onClick={toggle}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' && event.key !== ' ') return;
                event.preventDefault();
                toggle();
              }}
            >
              <rect x={node.x} y={node.y} width={node.width} height={node.height} rx="6">
                <title>{node.name}</title>
              </rect>
              <rect
                class={`stripe colour-${colourOf(node.name)}`}
                x={node.x}
                y={node.y}
                width="5"
                height={node.height}
                rx="2"
              />
              <Text node={node} line={1} class="name">
                {node.title}
              </Text>
              <Text node={node} line={2}>
                {`${rate(service.rate)}${service.p99 === null ? '' : ` · p99 ${duration(service.p99)}`}`}
              </Text>
              <Text node={node} line={3} class="status">
                {statusOf(service)}
              </Text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

/** Whether the window is narrow, as in console.css. */
function useNarrow(): boolean {
  const [narrow] = useState(() => matchMedia('(max-width: 720px)'));
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const follow = (): void => setNarrow(narrow.matches);
    narrow.addEventListener('change', follow);
    return () => narrow.removeEventListener('change', follow);
  }, []);
  return isNarrow;
}

/** What the ends of edges refer to, as `#arrow`. */
const ArrowHead = (): JSX.Element => (
  <defs>
    <marker
      id="arrow"
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerWidth="8"
      markerHeight="8"
      orient="auto"
      markerUnits="userSpaceOnUse"
    >
      <path d="M0 0 L8 4 L0 8 Z" class="arrow" />
    </marker>
  </defs>
);

function Text({
  node,
  line,
  class: name = '',
  children,
}: {
  readonly node: PlacedNode;
  readonly line: number;
  readonly class?: string;
  readonly children: string;
}): JSX.Element {
  return (
    <text x={node.x + 14} y={node.y + 2 + line * 18} class={name}>
      {children}
    </text>
  );
}

/** Its colour only repeats what its status says. */
function toneOf(service: Service | undefined): 'bad' | 'warn' | '' {
  if (service === undefined) return '';
  if (service.breaker === 'open' || service.errors >= 0.1) return 'bad';
  return service.breaker === 'partly' || service.errors > 0 ? 'warn' : '';
}

export const kindOf = ({ source }: Service): string | undefined =>
  source && (source === 'rest' ? 'REST API' : 'GraphQL API');

/** With a sign, so that it is seen without colours. */
export function statusOf(service: Service): string {
  const { breaker, errors, link, rate: calls } = service;
  if (breaker === 'open') return '✕ circuit breaker open';
  if (breaker === 'partly') return '▲ a circuit breaker is open';
  if (errors > 0) return `▲ ${share(errors)} failed`;
  const what = kindOf(service) ?? (link && (link === 'appsync' ? 'AppSync' : 'private link'));
  return `${calls === 0 ? '○ no calls' : '✓ no errors'}${what === undefined ? '' : ` · ${what}`}`;
}
