import { pickOf, randomOf } from '../../kit';
import { type Address, type User } from './table';

/** 120 customers, `u1` to `u120`, the same ones every time. */
export function* seedUsers(): Generator<User> {
  for (let i = 1; i <= 120; i++) yield createUser(i);
}

const joinedFrom = Date.UTC(2019, 2, 1);
const joinedUntil = Date.UTC(2023, 9, 31);

function createUser(i: number): User {
  const id = `u${i}`;
  // Both lists have 40 names, and these 120 pairs of names are all different.
  const firstName = firstNames[i % firstNames.length]!;
  const lastName = lastNames[(i * 7 + Math.floor(i / lastNames.length)) % lastNames.length]!;
  const joined = joinedFrom + randomOf(`${id} joined`) * (joinedUntil - joinedFrom);
  return {
    id,
    name: `${firstName} ${lastName}`,
    email: `${firstName}.${lastName}@example.com`
      .toLowerCase()
      .normalize('NFD')
      .replace(/[^a-z@.]/g, ''),
    joinedAt: new Date(joined).toISOString(),
    points: Math.floor(randomOf(`${id} points`) ** 2 * 4000),
    address: createAddress(id),
    ...(randomOf(`${id} has bio`) < 0.6 && { bio: pickOf(`${id} bio`, bios) }),
  };
}

function createAddress(id: string): Address {
  const { postalCode, ...place } = pickOf(`${id} place`, places);
  return {
    street: pickOf(`${id} street`, place.streets).replace(
      '#',
      String(1 + Math.floor(randomOf(`${id} no`) * 140)),
    ),
    city: place.city,
    postalCode,
    country: place.country,
  };
}

// oxfmt-ignore
const firstNames = [
  'Amelie', 'Bram', 'Camille', 'Daan', 'Elif', 'Finn', 'Giulia', 'Henrik', 'Ingrid', 'Jonas',
  'Kasia', 'Luca', 'Maren', 'Noor', 'Oskar', 'Paula', 'Quentin', 'Rosa', 'Sanne', 'Tomasz',
  'Ulrike', 'Viktor', 'Wietske', 'Xavier', 'Yara', 'Zoë', 'Anton', 'Britt', 'Carlos', 'Dana',
  'Emil', 'Femke', 'Gustav', 'Hanna', 'Ivo', 'Julia', 'Karel', 'Lotte', 'Mateo', 'Nina',
];
// oxfmt-ignore
const lastNames = [
  'Aalbers', 'Bianchi', 'Claes', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Hofmann', 'Iversen', 'Janssen',
  'Kowalska', 'Lindqvist', 'Martens', 'Novak', 'Oliveira', 'Petit', 'Quist', 'Romano', 'Schmidt', 'Tanaka',
  'Ueberall', 'Visser', 'Wagner', 'Ximenes', 'Yilmaz', 'Zielinski', 'Andersson', 'Bakker', 'Costa', 'de Vries',
  'Engel', 'Ferrari', 'Gruber', 'Haugen', 'Ivanova', 'Jensen', 'Keller', 'Laurent', 'Moreau', 'Nielsen',
];
const bios = [
  'Cooks for six on weekdays and for twelve on Sundays.',
  'Cyclist. Owns one pan and knows how to use it.',
  'Renovating an old farmhouse, one room a year.',
  'Buys everything in blue.',
  'Writes long reviews so that you need not.',
  'Gardener with more ambition than garden.',
  'Returns nothing, repairs everything.',
  'Camps in any weather, complains in none.',
  'Has read the manual.',
  'Looking for the perfect reading lamp since 2016.',
];
const places = [
  {
    city: 'Rotterdam',
    postalCode: '3011 WN',
    country: 'NL',
    streets: ['Wijnhaven #', 'Witte de Withstraat #'],
  },
  { city: 'Utrecht', postalCode: '3511 LN', country: 'NL', streets: ['Oudegracht #', 'Twijnstraat #'] },
  { city: 'Gent', postalCode: '9000', country: 'BE', streets: ['Veldstraat #', 'Kraanlei #'] },
  { city: 'Köln', postalCode: '50667', country: 'DE', streets: ['Ehrenstraße #', 'Severinstraße #'] },
  { city: 'Hamburg', postalCode: '20095', country: 'DE', streets: ['Lange Reihe #', 'Deichstraße #'] },
  { city: 'Lyon', postalCode: '69002', country: 'FR', streets: ['# rue Mercière', '# rue de la République'] },
  { city: 'Nantes', postalCode: '44000', country: 'FR', streets: ['# rue Crébillon', '# quai de la Fosse'] },
  { city: 'Aarhus', postalCode: '8000', country: 'DK', streets: ['Mejlgade #', 'Jægergårdsgade #'] },
  { city: 'Gdańsk', postalCode: '80-831', country: 'PL', streets: ['ul. Mariacka #', 'ul. Długa #'] },
  {
    city: 'Bologna',
    postalCode: '40126',
    country: 'IT',
    streets: ['Via Zamboni #', "Via dell'Indipendenza #"],
  },
  {
    city: 'Porto',
    postalCode: '4050-014',
    country: 'PT',
    streets: ['Rua das Flores #', 'Rua de Cedofeita #'],
  },
  { city: 'Graz', postalCode: '8010', country: 'AT', streets: ['Sporgasse #', 'Herrengasse #'] },
];
