/** How gateway/planning/emit/response-names.ts names fields apart. */
import { type FieldDraft, SelectionDraft } from '../../../../gateway/planning/emit/drafts';
import { separateNames } from '../../../../gateway/planning/emit/response-names';

function field(responseName: string, type: string, below?: SelectionDraft): FieldDraft {
  return {
    ...{ responseName, name: responseName, arguments: [], contextArguments: [], directives: [] },
    ...{ when: [], type, selection: below },
  };
}

/** A selection of fields by type; those of no type are of all. */
function selection(byType: Readonly<Record<string, readonly FieldDraft[]>>): SelectionDraft {
  const whole = new SelectionDraft([]);
  for (const [type, fields] of Object.entries(byType)) {
    const part = type === '' ? whole : whole.on([type]);
    for (const one of fields) part.fields.set(one.responseName, one);
  }
  return whole;
}

it('leaves names as they are where fields can be merged', () => {
  const below = selection({ '': [field('id', 'ID!')] });
  const whole = selection({
    A: [field('x', 'Int'), field('y', '[A!]', below)],
    B: [field('x', 'Int'), field('y', '[B!]', selection({ '': [field('name', 'String')] }))],
  });
  expect(separateNames([whole])).toEqual([]);
});

it('gives a field of another shape a name that no field at its position has, on whatever type', () => {
  const [one, other] = [field('x', 'Int'), field('x', 'Int!')];
  const whole = selection({ A: [one], B: [other], C: [field('x__1', 'String')] });
  expect(separateNames([whole])).toEqual([{ kind: 'KeyRenamer', path: ['x__2'], renameKeyTo: 'x' }]);
  expect([one, other].map(({ responseName }) => responseName)).toEqual(['x', 'x__2']);
});

it('keeps names apart below fields that are merged, and not below those that are not', () => {
  const nodes = (type: string, name: string, list: string): FieldDraft =>
    field(name, list, selection({ '': [field('v', type)] }));
  const whole = selection({
    A: [nodes('Int', 'y', 'A')],
    B: [nodes('Int!', 'y', 'B')],
    C: [nodes('String', 'y', '[C]')],
    D: [nodes('Int', 'y', '[D]')],
    E: [field('v__1', 'Int'), field('y__1', 'Int')],
  });
  expect(separateNames([whole])).toEqual([
    { kind: 'KeyRenamer', path: ['y', 'v__1'], renameKeyTo: 'v' },
    { kind: 'KeyRenamer', path: ['y__2'], renameKeyTo: 'y' },
    { kind: 'KeyRenamer', path: ['y__2', 'v__1'], renameKeyTo: 'v' },
  ]);
});

it('does not take a name that a field below gets at another level', () => {
  const deep = selection({ A: [field('z', 'Int')], B: [field('z', 'ID')], C: [field('z__1', 'Int')] });
  const whole = selection({ '': [field('y', 'N', deep), field('z__2', 'Int')] });
  expect(separateNames([whole])).toEqual([{ kind: 'KeyRenamer', path: ['y', 'z__2'], renameKeyTo: 'z' }]);
});
