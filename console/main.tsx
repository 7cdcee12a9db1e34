import { render } from 'preact';
import { App } from './app';
import { tokenIn } from './route';
import { keepToken } from './session';

const token = tokenIn(location.hash);
if (token !== undefined) {
  keepToken(token);
  // A token in the address would stay in the browser's history.
  history.replaceState(undefined, '', location.pathname);
}
render(<App />, document.getElementById('root')!);
