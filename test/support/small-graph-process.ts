/** `small-graph-process.ts NAME`: serves one subgraph of the small graph from a process of its own, and prints what it is. */
import { startSmallGraph } from './small-graph';

async function serve(name: string): Promise<void> {
  const graph = await startSmallGraph();
  const { url, typeDefs } = name === 'accounts' ? graph.accounts : graph.reviews;
  process.stdout.write(`${JSON.stringify({ name, url, typeDefs })}\n`);
}

void serve(process.argv[2]!);
