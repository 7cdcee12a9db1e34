import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readScalarValues } from '../../../../../cli/dev/mocks/scalars-file';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
const file = join(folder, 'scalars.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

it('reads a value, or a list of values, for each scalar', () => {
  writeFileSync(file, 'Money: [9.99 EUR, 12.50 EUR]\nGeo: { lat: 1 }\n');
  expect(readScalarValues(file)).toEqual(
    new Map<string, unknown>([
      ['Money', ['9.99 EUR', '12.50 EUR']],
      ['Geo', [{ lat: 1 }]],
    ]),
  );
});

it.each([
  ['- Money', 'is no map'],
  ['', 'is no map'],
  ['Money:', 'has no value for Money'],
  ['Money: []', 'has no value for Money'],
  ['Money: [a', 'cannot be read'],
])('refuses %j', (content, fact) => {
  writeFileSync(file, content);
  expect(() => readScalarValues(file)).toThrow(`weir: --mock-scalars: ${file} ${fact}`);
});

it('refuses a file that does not exist', () => {
  expect(() => readScalarValues(join(folder, 'none'))).toThrow('does not exist; it must be a map of scalars');
});
