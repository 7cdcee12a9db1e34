import { setTimeout as delay } from 'node:timers/promises';
import { type EvaluatePolicies, Policies } from '../../../../../gateway/auth/directives/policies';
import { createIdentity } from '../../../../../gateway/auth/identity';

const ada = createIdentity({ mode: 'oidc', subject: 'ada' });
const grace = createIdentity({ mode: 'oidc', subject: 'grace' });

function policiesOf(evaluate: EvaluatePolicies | undefined, ttl = 60_000) {
  const log: unknown[] = [];
  return {
    log,
    policies: new Policies({ evaluate, ttl, logger: { error: (line: unknown) => log.push(line) } as never }),
  };
}

it('asks once for each caller and policy, and for those alone that are not known', async () => {
  const asked: [string, readonly string[]][] = [];
  const { policies } = policiesOf(async (names, { subject }) => {
    asked.push([subject!, names]);
    return { staff: true };
  });
  await policies.learn(['staff'], ada);
  await policies.learn(['staff', 'owner'], ada);
  await policies.learn(['staff'], grace);
  expect(asked).toEqual([
    ['ada', ['staff']],
    ['ada', ['owner']],
    ['grace', ['staff']],
  ]);
  expect(policies.peek('staff', ada)?.isMet).toBe(true);
  expect(policies.peek('owner', ada)?.isMet).toBe(false);
});

it('lets requests at the same time share one question', async () => {
  let asked = 0;
  const { policies } = policiesOf(async () => {
    asked++;
    await delay(5);
    return { staff: true };
  });
  await Promise.all(Array.from({ length: 20 }, () => policies.learn(['staff'], ada)));
  expect(asked).toBe(1);
});

it('asks again when an answer is too old', async () => {
  let isMet = true;
  const { policies } = policiesOf(async () => ({ staff: isMet }), 1);
  await policies.learn(['staff'], ada);
  isMet = false;
  await delay(5);
  expect(policies.peek('staff', ada)).toBeUndefined();
  const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
  await policies.learn(['staff'], ada);
  expect(policies.peek('staff', ada)?.isMet).toBe(false);
  clock.mockRestore();
});

it.each<[string, EvaluatePolicies]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', async () => Promise.reject(new Error('down'))],
  ['answers nothing', async () => undefined as never],
  ['answers a text', async () => 'yes' as never],
])('counts no policy as met, and says so in the log, when who knows them %s', async (_, evaluate) => {
  const { policies, log } = policiesOf(evaluate);
  await policies.learn(['staff'], ada);
  expect(policies.peek('staff', ada)).toMatchObject({ isMet: false });
  expect(log).toHaveLength(1);
});

it.each([{ staff: 'true' }, { staff: 1 }, {}, Object.create({ staff: true })])(
  'counts as met what is true, and nothing else: %j',
  async (answer) => {
    const { policies } = policiesOf(async () => answer);
    await policies.learn(['staff'], ada);
    expect(policies.peek('staff', ada)?.isMet).toBe(false);
  },
);

it('knows that none is met where there is nobody to ask', () => {
  const { policies } = policiesOf(undefined);
  expect(policies.areKnown).toBe(false);
  expect(policies.peek('staff', ada)).toMatchObject({ isMet: false, expires: Infinity });
});
