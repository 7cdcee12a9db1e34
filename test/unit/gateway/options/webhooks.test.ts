import { parseOptions, type OptionsInput } from '../../../../gateway/options';
import { secretsOf } from '../../../../gateway/options/secrets';

const secret = `whsec_${'A'.repeat(43)}=`;
const webhook = { url: 'https://deploys.test/weir', secrets: [secret] };
const registry = { registry: 'registry', graph: 'shop@prod' };
const parse = (webhooks: object, source: object = registry) =>
  parseOptions({ supergraph: { ...source, webhooks } } as OptionsInput);

it('sends all events, if nothing else is said', () => {
  expect(parse({ deploys: webhook }).supergraph?.webhooks).toEqual({
    deploys: { ...webhook, events: ['published', 'rejected', 'rolled-back', 'ended'] },
  });
});

it('is of the registry', () => {
  expect(() => parse({ deploys: webhook }, { file: 'a.graphql' })).toThrow(
    '`supergraph` must have `webhooks` only with `registry`',
  );
});

it.each<[string, object, string]>([
  ['an address that is no http(s) URL', { url: 'ftp://a' }, 'must be an http or https URL'],
  ['what is no address', { url: 'deploys' }, 'must be an http or https URL'],
  ['credentials in the URL', { url: 'http://ana:secret@a/' }, 'must hold no name and no password'],
  ['no secret', { secrets: [] }, 'must hold at least one secret'],
  ['a short secret', { secrets: ['A'.repeat(31)] }, 'must be base64 of 24 to 64 bytes'],
  ['a long secret', { secrets: ['A'.repeat(88)] }, 'must be base64 of 24 to 64 bytes'],
  ['a secret in another encoding', { secrets: ['-'.repeat(40)] }, 'must be base64 of 24 to 64 bytes'],
  ['an unknown kind of event', { events: ['deleted'] }, 'must be a list of published, rejected'],
  ['no event', { events: [] }, 'must be a list of published, rejected'],
])('refuses %s', (_, more, rule) => {
  expect(() => parse({ deploys: { ...webhook, ...more } })).toThrow(rule);
});

it('refuses a webhook without secrets, and a name that cannot be stored', () => {
  expect(() => parse({ deploys: { url: webhook.url } })).toThrow('secrets');
  expect(() => parse({ 'a/b': webhook })).toThrow('letters, digits, - or _');
});

it('never shows a secret', () => {
  expect(secretsOf(parse({ deploys: webhook }))).toContain(secret);
  expect(() => parse({ deploys: { ...webhook, secrets: ['whsec_short'] } })).not.toThrow('whsec_short');
});
