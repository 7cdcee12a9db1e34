import type { CompiledOperation } from '../../../../../gateway/graph/compiled-operation';
import { Preparation } from '../../../../../gateway/graph/subscriptions/preparation';
import type { PreparationOptions } from '../../../../../gateway/graph/subscriptions/preparation-options';

it('keeps its generation open while it prepares, also where that fails', async () => {
  let held = 0;
  let fail!: (error: Error) => void;
  const options: Partial<PreparationOptions> = {
    hold: () => {
      held++;
      return () => held--;
    },
    plannedFor: () => new Promise((_, reject) => (fail = reject)),
  };
  const preparation = new Preparation(options as PreparationOptions);
  const prepared = preparation.prepare({} as CompiledOperation, {}, {} as never);
  expect(held).toBe(1);
  fail(new Error('No.'));
  await expect(prepared).rejects.toThrow('No.');
  expect(held).toBe(0);
});
