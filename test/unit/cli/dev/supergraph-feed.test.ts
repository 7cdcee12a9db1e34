import { createSupergraphFeed } from '../../../../cli/dev/supergraph-feed';

const listener = () => ({ onSupergraph: jest.fn(), onUnavailable: jest.fn() });

describe('createSupergraphFeed', () => {
  it('starts with the first supergraph, whenever it comes', async () => {
    const feed = createSupergraphFeed();
    const started = feed.start(listener());
    feed.push('first');

    expect(await started).toBe('first');
  });

  it('starts with the newest one that came before the start', async () => {
    const feed = createSupergraphFeed();
    feed.push('first');
    feed.push('second');

    expect(await feed.start(listener())).toBe('second');
  });

  it('passes on new supergraphs only', async () => {
    const feed = createSupergraphFeed();
    const given = listener();
    feed.push('first');
    await feed.start(given);

    expect([feed.push('first'), feed.push('second'), feed.push('second')]).toEqual([false, true, false]);
    expect(given.onSupergraph.mock.calls).toEqual([['second']]);
  });

  it('does not start if it fails before the first one', async () => {
    const feed = createSupergraphFeed();
    const started = feed.start(listener());
    feed.fail(new Error('because'));

    await expect(started).rejects.toThrow('because');
  });

  it('passes on nothing after it was stopped', async () => {
    const feed = createSupergraphFeed();
    const given = listener();
    feed.push('first');
    await feed.start(given);
    await feed.stop();
    feed.push('second');

    expect(given.onSupergraph).not.toHaveBeenCalled();
  });
});
