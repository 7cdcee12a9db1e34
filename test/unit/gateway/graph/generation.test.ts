import { createEngine } from '../../../../gateway/graph/create-engine';
import { Generation, type GenerationOptions } from '../../../../gateway/graph/generation';
import { parseOptions } from '../../../../gateway/options';

jest.mock('../../../../gateway/graph/create-engine');

it('closes its engine once, and says so, after it was retired and its last request has left', async () => {
  const close = jest.fn();
  const onClosed = jest.fn();
  jest.mocked(createEngine).mockResolvedValue({ close, eventFieldProblems: [] } as never);
  const parts = { calls: {}, telemetry: {} } as GenerationOptions['parts'];
  const options = parseOptions({});
  const generation = await Generation.build({ supergraphSdl: '', options, parts, isFirst: true });
  const release = generation.hold();
  generation.retire(onClosed);
  expect(close).not.toHaveBeenCalled();
  expect(onClosed).not.toHaveBeenCalled();
  release();
  expect(close).toHaveBeenCalledTimes(1);
  // A client that has left meanwhile does not always stop what was begun for it.
  generation.hold()();
  expect(close).toHaveBeenCalledTimes(1);
  expect(onClosed).toHaveBeenCalledTimes(1);
});
