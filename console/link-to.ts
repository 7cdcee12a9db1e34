import { addressOf, parseRoute } from './route';

/** The address of a page, with the gateway that is chosen on this one. */
export function linkTo(steps: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  return addressOf(steps, { ...query, gateway: parseRoute(location.hash).query.get('gateway') ?? '' });
}
