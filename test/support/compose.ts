import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';

/** Composes a supergraph of subgraphs given by their SDL, each with the directives of federation at hand unless it links its own. */
export function compose(subgraphs: Record<string, string>): string {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(subgraphs).map(([name, sdl]) => ({
      name,
      url: `http://${name}.test/graphql`,
      typeDefs: parse(sdl.includes('specs.apollo.dev/federation') ? sdl : `${federation}\n${sdl}`),
    })),
  );
  if (supergraphSdl === undefined) throw new Error(errors.map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

const federation = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: [
  "@key", "@requires", "@provides", "@external", "@shareable", "@override", "@inaccessible", "@tag", "@interfaceObject"
])`;
