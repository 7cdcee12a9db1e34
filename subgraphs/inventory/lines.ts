import { SubgraphError } from '../../kit';
import { type StockLine } from './table';

const mostLines = 50;

/**
 * Checks the lines and sorts them, so that equal orders compare equal. Throws `BAD_USER_INPUT` if they are not valid.
 */
export function checkLines(lines: readonly StockLine[]): StockLine[] {
  if (lines.length < 1 || lines.length > mostLines) {
    throw badLines(`\`lines\` must be 1 to ${mostLines}, but got: ${lines.length}`);
  }
  if (new Set(lines.map(({ upc }) => upc)).size < lines.length) {
    throw badLines('`lines` must name each product once.');
  }
  for (const { upc, quantity } of lines) {
    if (quantity < 1) throw badLines(`\`quantity\` of "${upc}" must be at least 1, but got: ${quantity}`);
  }
  return lines.map(({ upc, quantity }) => ({ upc, quantity })).sort((a, b) => (a.upc < b.upc ? -1 : 1));
}

function badLines(message: string): SubgraphError {
  return new SubgraphError('BAD_USER_INPUT', message, { argument: 'lines' });
}
