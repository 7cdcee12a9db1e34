import { render } from 'preact';
import { App } from './app';
import { takeToken } from './session';

takeToken();
render(<App />, document.getElementById('root')!);
