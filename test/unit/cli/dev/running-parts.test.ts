import { RunningParts, StoppedError } from '../../../../cli/dev/running-parts';

describe('RunningParts', () => {
  it('stops in the opposite order of the start, each after the one before', async () => {
    const { parts, stops, part } = setUp();
    await parts.add(part('database'));
    await parts.add(part('subgraphs'));

    await parts.stop();

    expect(stops).toEqual(['subgraphs stops', 'subgraphs stopped', 'database stops', 'database stopped']);
  });

  it('stops once, whoever asks, and makes all wait for the end', async () => {
    const { parts, stops, part } = setUp();
    await parts.add(part('database'));

    await Promise.all([parts.stop(), parts.stop()]);
    await parts.stop();

    expect(stops).toEqual(['database stops', 'database stopped']);
  });

  it('stops at once what comes too late', async () => {
    const { parts, stops, part } = setUp();
    await parts.stop();

    await expect(parts.add(part('gateway'))).rejects.toThrow(StoppedError);
    expect(stops).toEqual(['gateway stops', 'gateway stopped']);
  });
});

function setUp() {
  const stops: string[] = [];
  const part = (name: string) => ({
    async stop() {
      stops.push(`${name} stops`);
      await Promise.resolve();
      stops.push(`${name} stopped`);
    },
  });
  return { parts: new RunningParts(), stops, part };
}
