/** How many colours there are: `colour-0` to `colour-7` in console.css. They differ for the colour-blind, too. */
const colours = 8;

const given = new Map<string, number>();

/**
 * The number of a subgraph's colour, the same on every page. Up to 8 subgraphs have colours of their own; a name always
 * stands beside a colour.
 */
export function colourOf(name: string): number {
  const known = given.get(name);
  if (known !== undefined) return known;
  const taken = new Set(given.values());
  // Begins at the name's own colour, so that most keep it when the page is loaded again.
  let own = 7;
  for (let i = 0; i < name.length; i++) own = (own * 31 + name.charCodeAt(i)) % 9973;
  const order = Array.from({ length: colours }, (_, step) => (own + step) % colours);
  const colour = order.find((each) => !taken.has(each)) ?? own % colours;
  given.set(name, colour);
  return colour;
}
