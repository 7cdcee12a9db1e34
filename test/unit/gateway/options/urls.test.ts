import { hideInUrls } from '../../../../gateway/options/urls';

describe('a URL that is shown', () => {
  it.each([
    ['http://host/path', 'http://host/path'],
    ['redis://user:hunter2@host:6379', 'redis://[hidden]@host:6379'],
    ['redis://user:p@ss@host:6379', 'redis://[hidden]@host:6379'],
    // No URL, as the password has a slash.
    ['redis://user:hunter2/x@host', 'redis://[hidden]@host'],
    ['https://cdn.example/@scope/file', 'https://cdn.example/@scope/file'],
    ['https://host/a?token=t&v=2#part', 'https://host/a?token=[hidden]&v=[hidden]#part'],
    ['https://host/a?flag&empty=', 'https://host/a?flag&empty='],
    ['https://user@host?user@host=a@b', 'https://[hidden]@host?user@host=[hidden]'],
    [
      'dynamodb://table?region=eu-west-1&endpoint=http://me:hunter2@localhost',
      'dynamodb://table?region=eu-west-1&endpoint=http://[hidden]@localhost',
    ],
    [
      'registry:dynamodb://table?region=eu-west-1#shop@prod',
      'registry:dynamodb://table?region=eu-west-1#shop@prod',
    ],
    ['no URL?a=b', 'no URL?a=b'],
  ])('%s is %s', (url, shown) => {
    expect(hideInUrls(url)).toBe(shown);
  });
});
