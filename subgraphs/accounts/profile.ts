import { badInput, type Change } from '../../kit';
import { type Address, type User } from './table';

export interface UpdateProfileInput {
  readonly name?: string | null;
  readonly bio?: string | null;
  readonly address?: Address | null;
}

/** The change of a user in an input. Throws `BAD_USER_INPUT` if it is empty or too large. */
export function changeOf({ name, bio, address }: UpdateProfileInput): Change<User> {
  if (name === undefined && bio === undefined && address === undefined) {
    throw badInput('input', '`input` must change something, but it is empty.');
  }
  if (name === null) throw badInput('input.name', 'A name can be changed, but not removed.');
  return {
    set: {
      ...(name !== undefined && { name: checkText('name', name, 80) }),
      ...(bio != null && { bio: checkText('bio', bio, 500) }),
      ...(address && { address: checkAddress(address) }),
    },
    remove: [...(bio === null ? ['bio' as const] : []), ...(address === null ? ['address' as const] : [])],
  };
}

function checkAddress({ street, city, postalCode, country }: Address): Address {
  if (!/^[A-Z]{2}$/.test(country)) {
    throw badInput('input.address.country', '`address.country` must be two capital letters, such as NL.');
  }
  return {
    street: checkText('address.street', street, 120),
    city: checkText('address.city', city, 80),
    postalCode: checkText('address.postalCode', postalCode, 12),
    country,
  };
}

function checkText(field: string, value: string, most: number): string {
  const text = value.trim();
  if (text.length >= 1 && text.length <= most) return text;
  const message = `\`${field}\` must have 1 to ${most} characters, but has ${text.length}.`;
  throw badInput(`input.${field}`, message);
}
