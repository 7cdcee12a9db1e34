import { watchLog } from '../../../../../subgraphs/kit/events/log-watch';

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
});
