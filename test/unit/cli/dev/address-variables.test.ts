import { addressVariables } from '../../../../cli/dev/address-variables';
import { urlOption } from '../../../../kit/events/consumers/subgraph-consumers';
import { variableOf } from '../../../../kit/serve/settings';

it.each([
  ['orders', 'ORDERS_URL'],
  ['order-history', 'ORDER_HISTORY_URL'],
  ['order_history', 'ORDER_HISTORY_URL'],
  ['orderHistory', 'ORDER_HISTORY_URL'],
  ['Orders', 'ORDERS_URL'],
])('tells where %s is by %s, as subgraphs of the kit read it', (name, variable) => {
  expect(addressVariables(new Map([[name, 'http://here']]))).toEqual({ [variable]: 'http://here' });
  expect(variableOf(urlOption(name))).toBe(variable);
});
