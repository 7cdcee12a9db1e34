import { promisify } from 'node:util';
import {
  lookupSubgraph,
  parseSubgraphUrl,
} from '../../../../../gateway/subgraph-calls/endpoints/subgraph-url';

const lookup = (hostname: string, all: boolean): Promise<unknown> =>
  promisify((callback: (error: Error | null, found?: unknown) => void) =>
    lookupSubgraph(hostname, { all }, (error, found) => callback(error, found)),
  )();

describe('the URL of a subgraph', () => {
  it.each([
    'http://127.0.0.1:4001/graphql',
    'https://10.0.0.1/',
    'http://[::1]:4001/',
    'http://reviews.internal/graphql',
    'http://192.0.0.1/',
    // How networks of IPv6 alone reach 93.184.216.34 and 10.0.0.1.
    'http://[64:ff9b::5db8:d822]/',
    'http://[64:ff9b:1::a00:1]/',
    'http://[2002:5db8:d822::1]/',
    // By Teredo, and not by it: its prefix has 32 bits.
    'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
    'http://[2001:1:a9fe:a9fe::5601:5601]/',
    'http://[2001:db8::200:5efe:a00:1]/',
    'http://[::ffff:7f00:1]/',
    'http://[fd00:ec3::254]/',
  ])('may be %s', (url) => {
    expect(parseSubgraphUrl('reviews', url).href).toBe(url);
  });

  it('is not repeated with its password or the values of its query', () => {
    expect(() => parseSubgraphUrl('reviews', 'http://u:hunter2@reviews.test/?key=hunter3')).toThrow(
      'must not hold a name or a password, but got: http://[hidden]@reviews.test/?key=[hidden]',
    );
  });

  it.each([
    ['Azure', ['168.63.129.16']],
    ['Oracle', ['192.0.0.192']],
    ['Alibaba', ['100.100.100.200']],
    ['AWS', ['169.254.169.254', '[fd00:ec2::254]', '[fd00:ec2::23]', 'instance-data.ec2.internal.']],
    ['Google', ['metadata.google.internal', 'metadata.goog', 'METADATA.GOOG.', '[fd20:ce::254]']],
    ['Scaleway', ['[fd00:42::42]']],
  ])('must not be the metadata service of %s', (_, hosts) => {
    for (const host of hosts)
      expect(() => parseSubgraphUrl('reviews', `http://${host}/`)).toThrow(
        'must not be a link-local or metadata address',
      );
  });

  it.each([
    ['mapped', '::ffff:168.63.129.16'],
    ['compatible', '::169.254.169.254'],
    ['translated (SIIT)', '::ffff:0:169.254.169.254'],
    ['behind NAT64', '64:ff9b::169.254.169.254'],
    ['behind NAT64', '64:ff9b::a83f:8110'],
    ['behind a local NAT64 of 96 bits', '64:ff9b:1::169.254.169.254'],
    ['behind a local NAT64 of 96 bits', '64:ff9b:1:2:3:4:a9fe:a9fe'],
    ['behind a local NAT64 of 64 bits', '64:ff9b:1:2:a9:fea9:fe00:0'],
    ['behind a local NAT64 of 56 bits', '64:ff9b:1:2a9:fe:a9fe::'],
    ['behind a local NAT64 of 48 bits', '64:ff9b:1:a9fe:a9:fe00::'],
    ['6to4', '2002:a9fe:a9fe::1'],
    ['6to4', '2002:c000:c0:1:2:3:4:5'],
    ['the server of Teredo', '2001:0:a9fe:a9fe:8000:63bf:3fff:fdd2'],
    ['the client of Teredo', '2001:0:4136:e378:8000:63bf:5601:5601'],
    ['the client of Teredo', '2001::57c0:7eef'],
    ['within a network of ISATAP', '2001:db8::5efe:169.254.169.254'],
    ['within a network of ISATAP', '2001:db8:1:2:200:5efe:a83f:8110'],
  ])('must not be a refused IPv4 address that is %s', (_, address) => {
    expect(() => parseSubgraphUrl('reviews', `http://[${address}]/`)).toThrow(
      'must not be a link-local or metadata address',
    );
  });
});

describe('the address of a subgraph', () => {
  it('is resolved', async () => {
    expect(await lookup('localhost', false)).toMatch(/^127\.|^::1$/);
    expect(await lookup('127.0.0.1', true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });

  it('is not found for an unknown name', async () => {
    await expect(lookup('nothing.invalid', false)).rejects.toThrow(/nothing\.invalid/);
  });

  // A name stands for an address; that an address stands for itself saves a name server here.
  it.each([true, false])('is refused if a name resolves to a metadata address (all: %s)', async (all) => {
    for (const address of [
      '169.254.169.254',
      '168.63.129.16',
      '64:ff9b::a9fe:a9fe',
      '2001::5601:5601',
      'fe80::1%1',
    ])
      await expect(lookup(address, all)).rejects.toThrow('The address is refused.');
  });
});
