import type { CompiledOperation } from '../../../../../gateway/graph/compiled-operation';
import {
  createPreparation,
  type PreparationOptions,
} from '../../../../../gateway/graph/subscriptions/preparation';

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
  const { prepare } = createPreparation(options as PreparationOptions);
  const prepared = prepare({} as CompiledOperation, {}, {} as never);
  expect(held).toBe(1);
  fail(new Error('No.'));
  await expect(prepared).rejects.toThrow('No.');
  expect(held).toBe(0);
});
