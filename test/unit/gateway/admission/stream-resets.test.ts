import { EventEmitter } from 'node:events';
import { constants, type ServerHttp2Session } from 'node:http2';
import { limitStreamResets } from '../../../../gateway/admission/stream-resets';

let clock = 0;
let session: EventEmitter & { destroyed: boolean; destroy: jest.Mock };
beforeEach(() => {
  clock = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  session = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy: jest.fn(() => (session.destroyed = true)),
  });
  limitStreamResets(session as unknown as ServerHttp2Session);
});
afterEach(() => jest.restoreAllMocks());

/** Streams that end, one after the other. */
function end(count: number, how: { aborted?: boolean; rstCode?: number }): void {
  for (let i = 0; i < count; i++) {
    const stream = Object.assign(new EventEmitter(), {
      aborted: false,
      rstCode: constants.NGHTTP2_NO_ERROR,
      ...how,
    });
    session.emit('stream', stream);
    stream.emit('close');
  }
}
const cancelled = { rstCode: constants.NGHTTP2_CANCEL };

it.each([
  ['that their client resets', cancelled],
  ['that are cut off', { aborted: true }],
])('closes a connection of more than 200 streams at once %s', (_, how) => {
  end(200, how);
  expect(session.destroy).not.toHaveBeenCalled();
  end(1, how);
  expect(session.destroy).toHaveBeenCalledTimes(1);
});

it('counts no stream that is answered', () => {
  end(10_000, {});
  end(200, cancelled);
  expect(session.destroy).not.toHaveBeenCalled();
});

it('closes a connection once, and counts nothing of it any more', () => {
  end(300, cancelled);
  clock += 60_000;
  end(300, cancelled);
  expect(session.destroy).toHaveBeenCalledTimes(1);
});

it('forgives 33 in a second', () => {
  end(200, cancelled);
  clock += 1000;
  end(33, cancelled);
  expect(session.destroy).not.toHaveBeenCalled();
  end(1, cancelled);
  expect(session.destroy).toHaveBeenCalledTimes(1);
});

it('forgives for ever, as long as it is no more than that', () => {
  for (let i = 0; i < 20; i++) {
    end(33, cancelled);
    clock += 1000;
  }
  expect(session.destroy).not.toHaveBeenCalled();
});

it('saves up no more than 200', () => {
  end(1, cancelled);
  clock += 60_000;
  end(200, cancelled);
  expect(session.destroy).not.toHaveBeenCalled();
  end(1, cancelled);
  expect(session.destroy).toHaveBeenCalledTimes(1);
});
