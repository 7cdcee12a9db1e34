import { EventEmitter } from 'node:events';
import { constants, type ServerHttp2Session } from 'node:http2';
import { StreamResets } from '../../../../gateway/admission/stream-resets';

let clock = 0;
let resets: StreamResets;
beforeEach(() => {
  clock = 100_000;
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  resets = new StreamResets((address) => address === '192.0.2.99');
});
afterEach(() => jest.restoreAllMocks());

type Session = EventEmitter & { destroyed: boolean; destroy: jest.Mock };
function open(remoteAddress: string | null = '192.0.2.1'): Session {
  const session: Session = Object.assign(new EventEmitter(), {
    socket: { remoteAddress: remoteAddress ?? undefined },
    destroyed: false,
    destroy: jest.fn(() => (session.destroyed = true)),
  });
  resets.follow(session as unknown as ServerHttp2Session);
  return session;
}

type End = 'answered' | 'reset' | 'cut off';
/** Streams of a connection end, one after the other. */
function end(session: Session, count: number, how: End = 'reset'): void {
  for (let i = 0; i < count; i++) {
    const stream = Object.assign(new EventEmitter(), {
      aborted: how === 'cut off',
      rstCode: how === 'reset' ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR,
    });
    session.emit('stream', stream);
    if (how === 'cut off') stream.emit('aborted');
    stream.emit('close');
  }
}

describe('a connection', () => {
  it.each(['reset', 'cut off'] as const)(
    'is closed when more than 200 of its streams at once are %s',
    (how) => {
      const session = open();
      end(session, 200, how);
      expect(session.destroy).not.toHaveBeenCalled();
      end(session, 1, how);
      expect(session.destroy).toHaveBeenCalledTimes(1);
    },
  );

  it('is closed in the turn in which the reset is read, before what came with it', () => {
    const session = open();
    end(session, 200);
    const stream = Object.assign(new EventEmitter(), { aborted: true, rstCode: constants.NGHTTP2_CANCEL });
    session.emit('stream', stream);
    expect(session.destroyed).toBe(false);
    stream.emit('aborted');
    expect(session.destroyed).toBe(true);
  });

  it('may have any number of streams that are answered', () => {
    const session = open();
    end(session, 10_000, 'answered');
    end(session, 200);
    expect(session.destroy).not.toHaveBeenCalled();
  });

  it('is closed once, and ignored afterwards', () => {
    const session = open();
    end(session, 300);
    clock += 60_000;
    end(session, 300);
    expect(session.destroy).toHaveBeenCalledTimes(1);
  });

  it('may reset 33 streams per second at any time', () => {
    const session = open();
    end(session, 200);
    for (let i = 0; i < 20; i++) {
      clock += 1000;
      end(session, 33);
    }
    expect(session.destroy).not.toHaveBeenCalled();
    end(session, 1);
    expect(session.destroy).toHaveBeenCalledTimes(1);
  });

  it('may save up no more than 200 resets', () => {
    const session = open();
    end(session, 1);
    clock += 60_000;
    end(session, 200);
    expect(session.destroy).not.toHaveBeenCalled();
    end(session, 1);
    expect(session.destroy).toHaveBeenCalledTimes(1);
  });
});

describe('the connections of an address', () => {
  /** So many, each of which has used up most of what it may reset. */
  const used = (addresses: readonly (string | null)[]): Session[] =>
    addresses.map((address) => {
      const session = open(address);
      end(session, 160);
      return session;
    });
  const openOf = (sessions: readonly Session[]) => sessions.filter(({ destroyed }) => !destroyed).length;

  it.each<[string, string[], string]>([
    ['alike', Array<string>(5).fill('192.0.2.1'), '192.0.2.1'],
    [
      'of one /64 of IPv6',
      ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4', '2001:db8::5'],
      '2001:db8::6',
    ],
  ])('may reset 800 at once together, %s', (_, addresses, next) => {
    const sessions = used(addresses);
    expect(openOf(sessions)).toBe(5);
    const last = open(next);
    end(last, 1);
    expect(last.destroyed).toBe(true);
    const other = open('198.51.100.1');
    end(other, 200);
    expect([openOf(sessions), other.destroyed]).toEqual([5, false]);
  });

  it('may reset 132 streams per second together', () => {
    used(Array<string>(5).fill('192.0.2.1'));
    clock += 1000;
    const [one, two] = [open(), open()];
    end(one, 132);
    expect(one.destroyed).toBe(false);
    end(two, 1);
    expect(two.destroyed).toBe(true);
  });

  it('are limited separately if the address is a proxy for many clients', () => {
    const sessions = used(Array<string>(20).fill('192.0.2.99'));
    expect(openOf(sessions)).toBe(20);
    end(sessions[0]!, 41);
    expect(openOf(sessions)).toBe(19);
  });

  it('are counted together if the address is unknown', () => {
    used([null, null, null, null, null]);
    const last = open(null);
    end(last, 1);
    expect(last.destroyed).toBe(true);
  });
});
