/** `gateway-process.ts SUPERGRAPH`: a gateway in a process of its own, from its sources. Prints its URLs. */
import { startGateway } from '../../gateway';

async function serve(file: string): Promise<void> {
  const { url, adminUrl } = await startGateway({
    supergraph: { file },
    port: 0,
    admin: { port: 0 },
    logging: { level: 'error' },
  });
  process.stdout.write(`${JSON.stringify({ url, adminUrl })}\n`);
}

void serve(process.argv[2]!);
