import type { JSX } from 'preact';
import type { About, Gateways } from '../../gateway/console/api';
import { useApi } from '../api';
import { addressOf, type Route } from '../route';
import { duration } from './format';
import { Pause } from './pause';

const pollEvery = 5_000;

/** The gateways that share a store; undefined until they are known, and where there is no such store. */
export const useGateways = (about: About, isPaused = false): Gateways | undefined =>
  useApi<Gateways | null>(about.gateways.shared ? '/gateways' : undefined, isPaused ? undefined : pollEvery)
    .data ?? undefined;

/** The query by which the API is asked for the gateway that is chosen; empty for all of them. */
export function queryOf({ query }: Route): string {
  const gateway = query.get('gateway') ?? '';
  return gateway === '' ? '' : `?${new URLSearchParams({ gateway })}`;
}

/**
 * The title of a page, and where several gateways share a store, which of them it shows: a choice, how old their figures are,
 * and what is missing.
 */
export function PageHeading({
  title,
  route,
  gateways,
  isPaused = false,
  pause,
}: {
  readonly title: string;
  readonly route: Route;
  readonly gateways: Gateways | undefined;
  readonly isPaused?: boolean;
  /** Left out where the page cannot be paused. */
  readonly pause?: (isPaused: boolean) => void;
}): JSX.Element {
  const chosen = route.query.get('gateway') ?? '';
  return (
    <>
      <header class="heading">
        <h1>{title}</h1>
        <div class="row">
          {gateways && (gateways.all.length > 1 || chosen !== '') && (
            <Choice gateways={gateways} chosen={chosen} route={route} />
          )}
          {pause && <Pause isPaused={isPaused} pause={pause} />}
        </div>
      </header>
      {gateways?.troubles.map((trouble) => (
        <p key={trouble} class="bad" role="status">
          {trouble}
        </p>
      ))}
    </>
  );
}

function Choice({
  gateways: { own, all },
  chosen,
  route,
}: {
  readonly gateways: Gateways;
  readonly chosen: string;
  readonly route: Route;
}): JSX.Element {
  const shown = all.filter(({ name }) => chosen === '' || name === chosen);
  const oldest = Math.max(0, ...shown.map(({ age }) => age));
  const choose = (gateway: string): void =>
    location.replace(addressOf([route.page, ...route.rest], { ...Object.fromEntries(route.query), gateway }));
  return (
    <>
      {oldest > 0 && <span class="muted">up to {duration(Math.ceil(oldest / 1000) * 1000)} old</span>}
      <label class="select">
        <span>Gateway</span>
        <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">all {all.length}</option>
          {all.map(({ name }) => (
            <option key={name} value={name}>
              {name === own ? `${name} (this one)` : name}
            </option>
          ))}
          {shown.length === 0 && <option value={chosen}>{chosen} (not there)</option>}
        </select>
      </label>
    </>
  );
}
