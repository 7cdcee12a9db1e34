import type { Identity } from '../../gateway/auth/identity';
import { ClientRequest } from '../../gateway/request/incoming-request';

/** The identities of the requests that gateways of this process have ended, in order, from now on. */
export function watchIdentities(): Identity[] {
  const seen: Identity[] = [];
  const { end } = Object.getOwnPropertyDescriptors(ClientRequest.prototype);
  const original = end.value as ClientRequest['end'];
  jest.spyOn(ClientRequest.prototype, 'end').mockImplementation(function (this: ClientRequest) {
    seen.push(this.identity);
    original.call(this);
  });
  return seen;
}
