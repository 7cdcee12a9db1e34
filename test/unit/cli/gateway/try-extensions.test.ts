import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryExtensions } from '../../../../cli/gateway/try-extensions';
import { OptionsError } from '../../../../gateway/options';

const folder = mkdtempSync(join(tmpdir(), 'weir-extensions-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Never yields, and uses no processor. */
const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
const sound = 'export const hooks = { onRequest() {} };';

/** Each with the text of the module, and the error. */
const faulty: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['throws', '\nthrow new Error("boom");', /extension\.mjs:2: boom\./],
  [
    'never ends loading',
    'await new Promise(() => setInterval(() => {}, 1000));',
    /did not finish loading within 10 s/,
  ],
  ['never yields while it loads', hang, /did not finish loading within 10 s/],
  ['is missing', undefined, /extension\.mjs: It does not exist\./],
  [
    'has the wrong exports',
    '\nexport const hook = {};',
    /extension\.mjs:2: It exports `hook`, which is unknown/,
  ],
  [
    'has a hook that is unknown',
    'export const hooks = { onRequests() {} };',
    /extension\.mjs:1: `hooks\.onRequests` is unknown/,
  ],
  [
    'imports a missing package',
    '\n\nimport "no-such-package";',
    /extension\.mjs:3: Cannot find package 'no-such-package'/,
  ],
  ['ends its process', 'process.exit(0);', /extension\.mjs: It ends the process that loads it\./],
  [
    'rejects a promise that nobody handles',
    '\nPromise.reject(new Error("boom"));\nexport const hooks = {};',
    /extension\.mjs:2: It ends the process that loads it\./,
  ],
  [
    'has an export that throws',
    '\nexport const hooks = { get onAnswer() { throw new Error("boom"); } };',
    /extension\.mjs:2: boom\./,
  ],
  [
    'has an interceptor that is none',
    '\nexport const interceptors = [async (next) => next];',
    /extension\.mjs:2: Each of `interceptors` must return a function, but got: Promise/,
  ],
  [
    'has a hook that is no function',
    'export const hooks = { onRequest: 5n };',
    /extension\.mjs:1: `hooks\.onRequest` must be a function, but got: 5n\./,
  ],
  ['is no JavaScript', '\nexport const hooks = {', /extension\.mjs:\d: Unexpected end of input/],
];

/** A folder of its own for each: what Node prints names the file. */
function write(text: string | undefined): string {
  const file = join(mkdtempSync(join(folder, 'own-')), 'extension.mjs');
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

describe('a trial of extensions', () => {
  it('passes where all of them load', async () => {
    await tryExtensions([write(sound), write('export default { interceptors: [(next) => next] };')]);
  });

  /** Those that are waited for for 10 s are tried at the same time. */
  const hanging = new Map<string, Promise<unknown>>();
  beforeAll(() => {
    for (const [what, text] of faulty) if (what.startsWith('never')) hanging.set(what, errorOf(text));
  });
  const errorOf = (text: string | undefined): Promise<unknown> =>
    tryExtensions([write(sound), write(text)]).catch((error: unknown) => error);

  it.each(faulty)('names the one that %s', async (what, text, message) => {
    const error = await (hanging.get(what) ?? errorOf(text));
    expect(error).toBeInstanceOf(OptionsError);
    expect((error as OptionsError).message).toMatch(/^`extensions\.1` cannot be used: /);
    expect((error as OptionsError).message).toMatch(message);
  });
});
