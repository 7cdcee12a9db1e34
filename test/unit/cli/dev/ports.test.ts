import { createServer } from 'node:net';
import { freePorts } from '../../../../cli/dev/ports';

describe('freePorts', () => {
  it('finds ports that are all different and free', async () => {
    const ports = await freePorts(8);

    expect(new Set(ports).size).toBe(8);
    await Promise.all(ports.map(listenAndClose));
  });
});

function listenAndClose(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
