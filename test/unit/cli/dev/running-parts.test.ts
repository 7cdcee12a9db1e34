import { RunningParts, StoppedError } from '../../../../cli/dev/running-parts';

describe('RunningParts', () => {
  it('stops parts in reverse order, one after the other', async () => {
    const { parts, stops, part } = setUp();
    await parts.add(part('database'));
    await parts.add(part('subgraphs'));

    await parts.stop();

    expect(stops).toEqual(['subgraphs stops', 'subgraphs stopped', 'database stops', 'database stopped']);
  });

  it('stops once, however often it is called, and all calls wait for the end', async () => {
    const { parts, stops, part } = setUp();
    await parts.add(part('database'));

    await Promise.all([parts.stop(), parts.stop()]);
    await parts.stop();

    expect(stops).toEqual(['database stops', 'database stopped']);
  });

  it('stops a part at once that is added after the stop', async () => {
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
