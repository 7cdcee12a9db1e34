import { watchLog } from '../../../../../kit/events/log/log-watch';

const never = new AbortController().signal;

/** A watch of a log whose newest position the test says. */
function watch() {
  const log = { head: 'a', asked: 0 };
  const head = () => {
    log.asked++;
    return Promise.resolve(log.head);
  };
  return { log, watch: watchLog({ head }, { pollMilliseconds: 5 }) };
}

describe('watchLog', () => {
  it('wakes who waits when this process appends', async () => {
    const { watch: watched } = watch();
    const changes = [watched.change(watched.version, never), watched.change(watched.version, never)];
    watched.grown();
    await Promise.all(changes);
  });

  it('lets nobody wait who has missed a change since the last read', async () => {
    const { watch: watched } = watch();
    const { version } = watched;
    watched.grown();
    await watched.change(version, never);
  });

  it('finds what another process appends', async () => {
    const { log, watch: watched } = watch();
    await watched.change(watched.version, never);
    const change = watched.change(watched.version, never);
    log.head = 'b';
    await change;
  });

  it('lets go of who leaves, and then asks for nothing any more', async () => {
    const { log, watch: watched } = watch();
    await watched.change(watched.version, never);
    const leaving = new AbortController();
    const change = watched.change(watched.version, leaving.signal);
    leaving.abort();
    await change;
    await watched.change(watched.version, leaving.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { asked } = log;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(log.asked).toBe(asked);
  });

  it('asks more and more rarely while the log does not grow, and often again once it does', async () => {
    const asked: number[] = [];
    let head = 'a';
    const watched = watchLog(
      {
        head() {
          asked.push(performance.now());
          return Promise.resolve(head);
        },
      },
      { pollMilliseconds: 20, longestPollMilliseconds: 100 },
    );
    await watched.change(watched.version, never);
    const change = watched.change(watched.version, never);
    while (asked.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
    head = 'b';
    await change;
    await watched.change(watched.version, new AbortController().signal, 1000);
    const change2 = watched.change(watched.version, never);
    head = 'c';
    await change2;
    const pauses = asked.map((time, i) => time - (asked[i - 1] ?? time)).slice(1);
    // 20, 40, 80, 100, 100; then 20 again.
    for (const [i, least] of [19, 39, 79, 99, 99].entries()) expect(pauses[i]).toBeGreaterThan(least);
    expect(Math.min(...pauses.slice(6))).toBeLessThan(90);
  });

  it('lets nobody wait longer than it wants to', async () => {
    const { watch: watched } = watch();
    await watched.change(watched.version, never);
    await watched.change(watched.version, never, 1);
  });
});
