import { coordinateOf } from '../../../../gateway/auth/coordinate';

const api = 'arn:aws:appsync:eu-west-1:111122223333:apis/abc';

it.each([
  ['User.name', 'User.name'],
  ['_User._n4me', '_User._n4me'],
  [`${api}/types/User/fields/name`, 'User.name'],
])('%s names the field %s', (text, coordinate) => {
  expect(coordinateOf(text)).toBe(coordinate);
});

it.each([
  '',
  'User',
  'User.',
  '.name',
  'User.name.first',
  'User.*',
  '*.name',
  ' User.name',
  'User.name ',
  'User. name',
  'User.na-me',
  'User.4ame',
  '4ser.name',
  'Üser.name',
  'types/User/fields/name',
  `${api}/types/User`,
  `${api}/types/User/fields`,
  `${api}/types/User/fields/`,
  `${api}/types//fields/name`,
  `${api}/types/User/fields/*`,
  `${api}/types/User/values/name`,
  `${api}/kinds/User/fields/name`,
  `${api}/types/User/fields/name/more`,
  'arn:User.name',
])('%j names none', (text) => {
  expect(coordinateOf(text)).toBeUndefined();
});
