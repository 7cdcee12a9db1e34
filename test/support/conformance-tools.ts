import { sourceOf, startTestGateway, type TestGateway } from './running-gateway';
import { compose, startSubgraph } from './small-graph';
import { toolFiles } from './tool-files';

/** A gateway with the tools that the conformance suite of the Model Context Protocol names, as far as operations can be them. */
export async function startConformanceTools(): Promise<Pick<TestGateway, 'url' | 'stop'>> {
  const files = toolFiles({
    'text.graphql': '"Returns a text." query test_simple_text { text }',
    'error.graphql': '"Always fails." query test_error_handling { failure }',
    'logging.graphql': '"Logs nothing." query test_logging_tool { text }',
    'streaming.graphql': '"Streams nothing." query test_streaming_elicitation { text }',
  });
  const subgraph = await startSubgraph({
    name: 'fixture',
    typeDefs: 'type Query { text: String  failure: String! }',
    resolvers: {
      Query: {
        text: () => 'This is a simple text response for testing.',
        failure: () => {
          throw new Error('This tool intentionally returns an error for testing');
        },
      },
    },
  });
  const gateway = await startTestGateway({
    supergraph: sourceOf(compose([subgraph])),
    mcp: { operations: [files.pattern] },
  });
  return {
    url: gateway.url.replace('/graphql', '/mcp'),
    async stop() {
      await gateway.stop();
      await subgraph.close();
      files.remove();
    },
  };
}
