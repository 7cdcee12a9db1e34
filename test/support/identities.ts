import type { Identity } from '../../gateway/auth/identity';
import { IncomingRequest } from '../../gateway/request/incoming-request';

/** The identities of the requests that gateways of this process have ended, in order, from now on. */
export function watchIdentities(): Identity[] {
  const seen: Identity[] = [];
  const { end } = Object.getOwnPropertyDescriptors(IncomingRequest.prototype);
  const original = end.value as IncomingRequest['end'];
  // Not `spyOn`, which would give whoever watches beside others what they have put there, and not what was there before.
  IncomingRequest.prototype.end = function (this: IncomingRequest) {
    seen.push(this.identity);
    original.call(this);
  };
  return seen;
}
