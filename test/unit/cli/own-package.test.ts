import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { version } from '../../../package.json';
import { packageRoot, packageVersion } from '../../../cli/own-package';

it("finds Weir's own package.json above the code", () => {
  expect(packageRoot()).toBe(join(__dirname, '../../..'));
  expect(packageVersion()).toBe(version);
});

it('fails if no folder has a package.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-package-'));
  expect(() => packageRoot(folder)).toThrow(
    `Weir's package.json is missing: neither ${folder} nor a folder above it has one.`,
  );
  rmSync(folder, { recursive: true });
});
