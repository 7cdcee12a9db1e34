import { addressOf, parseRoute } from './route';

/** The address of a page, with the gateway that is chosen on this one. */
export const linkTo: typeof addressOf = (steps, query = {}) =>
  addressOf(steps, { ...query, gateway: parseRoute(location.hash).query.get('gateway') ?? '' });
