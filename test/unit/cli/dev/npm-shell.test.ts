import { npmShellGone } from '../../../../cli/dev/npm-shell';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function follow(env: Record<string, string>) {
  let parent = 7;
  const gone = npmShellGone(env, () => parent);
  const endParent = (): void => {
    parent = 1;
    jest.advanceTimersByTime(1_000);
  };
  return { gone, endParent };
}

it('notices that its npm shell has ended', () => {
  const { gone, endParent } = follow({ npm_lifecycle_script: 'node cli/weir.mjs dev' });
  jest.advanceTimersByTime(10_000);
  expect(gone.aborted).toBe(false);
  endParent();
  expect(gone.aborted).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

it.each([
  ['in a shell of its own', {}],
  ['by another script', { npm_lifecycle_script: 'vite' }],
  ['in the background of a script', { npm_lifecycle_script: 'node cli/weir.mjs dev & vite' }],
  ['in the background by a script that is named so', { npm_lifecycle_script: 'npx weir dev &' }],
])('ignores its shell if it was started %s', (_, env) => {
  const { gone, endParent } = follow(env);
  endParent();
  expect(gone.aborted).toBe(false);
  expect(jest.getTimerCount()).toBe(0);
});
