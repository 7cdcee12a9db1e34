import fc from 'fast-check';
import { cursorOf, positionIn } from '../../../../../gateway/graph/subscriptions/cursor';

const stream = fc.base64String();

it('has every position of its stream, and none of another one', () => {
  fc.assert(
    fc.property(stream, stream, fc.string({ unit: 'grapheme' }), (own, other, position) => {
      expect(positionIn(cursorOf(own, position), own)).toBe(position);
      if (other !== own) expect(positionIn(cursorOf(own, position), other)).toBeUndefined();
    }),
  );
});

it('has no position in what is no cursor', () => {
  fc.assert(fc.property(stream, fc.string(), (own, text) => positionIn(text, own) === undefined));
});
