import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { About } from '../gateway/console/api';
import { type Answer, prepare, useApi } from './api';
import { Caches } from './pages/caches';
import { Explore } from './pages/explore';
import { Errors } from './pages/errors';
import { Graph } from './pages/graph';
import { Live } from './pages/live';
import { Operations } from './pages/operations';
import { Request } from './pages/request';
import { Requests } from './pages/requests';
import { Shadow } from './pages/shadow';
import { Versions } from './pages/versions';
import { Badge } from './parts/badge';
import { Failure, Loading } from './parts/states';
import { linkTo } from './link-to';
import { addressOf, parseRoute, type Route } from './route';
import { currentAccess, currentToken, keepToken, noteAccess, onSession, takeToken } from './session';

/** What every page is given. */
export interface PageProps {
  readonly about: About;
  readonly route: Route;
}

interface PageEntry {
  /** The first step of its address. */
  readonly path: string;
  readonly title: string;
  readonly show: (props: PageProps) => JSX.Element;
  /** Whether the navigation has it. @default always */
  readonly isListed?: (about: About) => boolean;
}

/** The pages, in the order of the navigation. The first one is shown for `#/`. */
const pages: readonly PageEntry[] = [
  { path: 'live', title: 'Live', show: (props) => <Live {...props} /> },
  { path: 'operations', title: 'Operations', show: (props) => <Operations {...props} /> },
  { path: 'errors', title: 'Errors', show: (props) => <Errors {...props} /> },
  {
    path: 'requests',
    title: 'Requests',
    show: (props) =>
      props.route.rest.length === 0 ? (
        <Requests {...props} />
      ) : (
        <Request key={props.route.rest[0]} {...props} />
      ),
  },
  { path: 'graph', title: 'Graph', show: (props) => <Graph {...props} /> },
  { path: 'caches', title: 'Caches and streams', show: (props) => <Caches {...props} /> },
  { path: 'versions', title: 'Versions', show: (props) => <Versions {...props} /> },
  { path: 'explore', title: 'Explore', show: (props) => <Explore {...props} /> },
  {
    path: 'shadow',
    title: 'Shadow',
    show: (props) => <Shadow {...props} />,
    isListed: ({ shadow }) => shadow,
  },
];

/** The whole page: who may see it, the navigation, and the page that the address names. */
export function App(): JSX.Element {
  const about = useApi<About>('/about', 30_000);
  const access = useSession(about.reload);
  useEffect(() => {
    if (about.data !== undefined && about.error === undefined) noteAccess('granted');
  }, [about.data, about.error]);
  const isOpen = about.data !== undefined;
  useEffect(() => {
    // The page *Graph* shows it.
    if (isOpen) prepare('/schema');
  }, [isOpen]);
  const route = useRoute();
  const entry = pages.find(({ path }) => path === route.page) ?? (route.page === '' ? pages[0] : undefined);
  useEffect(() => {
    document.title = `${entry?.title ?? 'Not found'} · Weir`;
  }, [entry]);

  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Top entry={entry} about={about.data} />
      <main id="main" tabIndex={-1}>
        {access === 'refused' ? (
          <TokenForm />
        ) : about.data === undefined ? (
          <Opening about={about} />
        ) : entry === undefined ? (
          <Nowhere />
        ) : (
          entry.show({ about: about.data, route })
        )}
      </main>
    </>
  );
}

function Top({ entry, about }: { entry: PageEntry | undefined; about: About | undefined }): JSX.Element {
  return (
    <header class="top">
      <a class="brand" href="#/">
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path d="M3 6h7c5 0 5 6 11 6M3 12h4c5 0 5 6 14 6M3 18h3" />
        </svg>
        Weir
      </a>
      <nav aria-label="Pages">
        {pages
          .filter(({ isListed }) => !isListed || (about && isListed(about)))
          .map(({ path, title }) => (
            <a key={path} href={linkTo([path])} aria-current={path === entry?.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
      </nav>
      <p class="where">
        {about && (
          <>
            <Badge tone={about.mode === 'development' ? 'accent' : 'plain'}>{about.mode}</Badge>
            <span class="muted">{about.version}</span>
          </>
        )}
      </p>
    </header>
  );
}

/** Before the gateway has said what it is. */
function Opening({ about }: { about: Answer<About> }): JSX.Element {
  if (about.error === undefined) return <Loading what="the console" />;
  return <Failure error={about.error} retry={about.reload} />;
}

function TokenForm(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const wasGiven = currentToken() !== undefined;
  useEffect(() => input.current?.focus(), []);
  const open = (event: Event): void => {
    event.preventDefault();
    const token = input.current!.value.trim();
    if (token !== '') keepToken(token);
  };
  return (
    <Middle title="This console needs the admin token">
      <p>
        It is the value of the option <code>admin.token</code>. <code>weir dev</code> prints an address that
        has it. The token is kept until this tab is closed.
      </p>
      <form class="token" onSubmit={open}>
        <label for="token">Admin token</label>
        <div class="row">
          <input
            ref={input}
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-describedby={wasGiven ? 'token-refused' : undefined}
            aria-invalid={wasGiven}
          />
          <button class="button strong">Open</button>
        </div>
        {wasGiven && (
          <p id="token-refused" class="bad" role="alert">
            The gateway refused this token.
          </p>
        )}
      </form>
    </Middle>
  );
}

const Nowhere = (): JSX.Element => (
  <Middle title="There is no such page">
    <p>
      The address names no page of this console. Go to{' '}
      <a href={addressOf([pages[0]!.path])}>{pages[0]!.title}</a>.
    </p>
  </Middle>
);

const Middle = ({ title, children }: { title: string; children: ComponentChildren }): JSX.Element => (
  <section class="middle">
    <h1>{title}</h1>
    {children}
  </section>
);

/** Where the page is, followed. */
function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = (): void => {
      takeToken();
      const next = parseRoute(location.hash);
      setRoute((before) => {
        // A filter keeps its place; another page begins at its top, for the keyboard, too.
        if ([before.page, ...before.rest].join('/') !== [next.page, ...next.rest].join('/')) begin();
        return next;
      });
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}

function begin(): void {
  scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** Whether the gateway accepts this tab. @param onToken called when another token is given */
function useSession(onToken: () => void): ReturnType<typeof currentAccess> {
  const [, setTurn] = useState(0);
  useEffect(
    () =>
      onSession(() => {
        setTurn((turn) => turn + 1);
        if (currentAccess() === 'unknown') onToken();
      }),
    [],
  );
  return currentAccess();
}
