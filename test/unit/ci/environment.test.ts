/** test/support/environment.cjs, in a process of its own: this one has it already. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const script = `
  const { AsyncLocalStorage } = require('node:async_hooks');
  const Environment = require(${JSON.stringify(join(__dirname, '../../support/environment.cjs'))});
  const config = { testEnvironmentOptions: {}, globals: {}, fakeTimers: {} };
  const environment = new Environment({ projectConfig: config, globalConfig: {} }, { testPath: ${JSON.stringify(__filename)} });
  const storage = new AsyncLocalStorage();
  storage.enterWith('used');
  const before = storage.getStore();
  environment.teardown().then(() => console.log(before, storage.getStore()));
`;
/** Node 24 does not. */
const isAsked = process.versions.node.startsWith('20.');

describe('the environment of tests', () => {
  (isAsked ? it : it.skip)('ends what Node asks for each promise together with the test file', () => {
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toBe('used undefined\n');
  });
});
