import { PlanTimes } from '../../../../gateway/planning/plan-times';

let times: PlanTimes;
beforeEach(() => (times = new PlanTimes({ deadline: 5000, quickness: 200, rememberFor: 60_000 })));

/** Others have sent enough for the code of the planner to be compiled. */
const warmUp = (): void => {
  for (let i = 0; i < 3; i++) times.noteQuick('others', 3);
};

describe('the times of plans', () => {
  it('bound nothing of a sender whose plans are quick', () => {
    warmUp();
    for (let i = 0; i < 10; i++) times.noteQuick('a', 3);
    expect(times.mostWaiting('a')).toBe(Infinity);
    expect(times.mostWaiting('a', 1)).toBeGreaterThan(1000);
  });

  it('bound nothing while the first operations of all are planned', () => {
    times.noteSlow('a');
    times.noteSlow('a');
    expect(times.mostWaiting('a', 1)).toBe(Infinity);
  });

  it('bound a sender of whom nothing is known, while one of its operations takes long', () => {
    warmUp();
    expect(times.mostWaiting('a')).toBe(Infinity);
    // Each is tried for 200 ms.
    expect(times.mostWaiting('a', 1)).toBe(25);
  });

  it('let one wait of a sender who only sends slow ones', () => {
    for (let i = 0; i < 3; i++) times.noteSlow('a');
    expect(times.mostWaiting('a')).toBe(1);
  });

  it('let as many wait as have their turn in time, by how many are slow', () => {
    for (let i = 0; i < 10; i++) times.noteSlow('a');
    for (let i = 0; i < 10; i++) times.noteQuick('a', 10);
    // Half of them take 200 ms, half of them some milliseconds.
    expect(times.mostWaiting('a')).toBeGreaterThan(45);
    expect(times.mostWaiting('a')).toBeLessThan(50);
  });

  it('say nothing of other senders', () => {
    for (let i = 0; i < 10; i++) times.noteSlow('a');
    expect(times.mostWaiting('b')).toBe(Infinity);
  });

  it('forgive a sender whose operations are quick again', () => {
    for (let i = 0; i < 10; i++) times.noteSlow('a');
    for (let i = 0; i < 200; i++) times.noteQuick('a', 3);
    expect(times.mostWaiting('a')).toBeGreaterThan(500);
  });
});
