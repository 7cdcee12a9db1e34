import type { Identity } from '../../gateway/auth/identity';
import type { ClientRequest } from '../../gateway/client-request';
import { ClientRequests } from '../../gateway/client-requests';

/** The identities of the requests that gateways of this process have answered, in order, from now on. */
export function watchIdentities(): Identity[] {
  const seen: Identity[] = [];
  const begin = ClientRequests.prototype.begin;
  jest.spyOn(ClientRequests.prototype, 'begin').mockImplementation(function (this: ClientRequests, ...args) {
    const client: ClientRequest = begin.apply(this, args);
    client.onEnd(() => seen.push(client.identity));
    return client;
  });
  return seen;
}
