/**
 * The HTML of a tab in GraphiQL that shows how the last answer was made: subgraph calls, caches, cost and query plan,
 * from `extensions.weir` and `extensions.__queryPlanExperimental`. It requests the plan, and removes both from the
 * answer that GraphiQL shows. It must come before GraphiQL's own script.
 *
 * Inside the console there is no tab: the console, once it has greeted, is told the request id and the plan of each answer.
 */
export const explorerTab = (endpoint: string): string => `
<style>
  #weir { position: fixed; right: 0; bottom: 0; z-index: 10; max-width: 100vw; font: 13px/1.5 system-ui, sans-serif;
    color-scheme: light dark; }
  #weir button { display: block; margin-left: auto; padding: .4rem .9rem; border: 1px solid #8886; border-bottom: 0;
    border-radius: 6px 6px 0 0; background: Canvas; color: CanvasText; font: inherit; cursor: pointer; }
  #weir section { width: min(44rem, 100vw); height: min(60vh, 40rem); overflow: auto; box-sizing: border-box;
    padding: 1rem; border: 1px solid #8886; background: Canvas; color: CanvasText; }
  #weir h2 { margin: 0 0 .3rem; font-size: 1em; }
  #weir pre { margin: 0 0 1rem; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
</style>
<aside id="weir" aria-label="How the last answer was made">
  <button type="button" aria-expanded="false" aria-controls="weir-how">Plan, calls and cache</button>
  <section id="weir-how" hidden>
    <label><input type="checkbox"> Say why the plan of the next query has each fetch</label>
    <div><p>Run a query: this shows how its answer was made.</p></div>
  </section>
</aside>
<script>
  (() => {
    const [button, how, why, facts] = document.querySelectorAll('#weir :is(button, section, input, div)');
    button.onclick = () => {
      how.hidden = !how.hidden;
      button.setAttribute('aria-expanded', String(!how.hidden));
    };
    const part = (title, text) => {
      const [head, body] = [document.createElement('h2'), document.createElement('pre')];
      head.textContent = title;
      body.textContent = text;
      return [head, body];
    };
    const lines = (members) =>
      Object.entries(members ?? {})
        .filter(([, fact]) => fact !== undefined)
        .map(([name, fact]) => name + ': ' + (typeof fact === 'object' ? JSON.stringify(fact) : fact))
        .join('\\n');
    const timesOf = (count) => (count === undefined ? '' : ' (' + count + ' times)');
    const show = ({ weir = {}, __queryPlanExperimental: plan }, milliseconds, requestId) => {
      const { calls, cache, cost, nulls = [], ...rest } = weir;
      const causes = nulls.map(({ says, count }) => says + timesOf(count)).join('\\n');
      facts.replaceChildren(
        ...part('Answer', lines({ milliseconds, requestId, ...rest })),
        ...(causes === '' ? [] : part('Why values are null', causes)),
        ...part('Subgraph calls', lines(calls)),
        ...part('Cache', lines(cache)),
        ...part('Cost', lines(cost)),
        ...part('Query plan', typeof plan === 'string' ? plan : plan === true ? 'It asks no subgraph.' : 'No plan was made.'),
      );
    };
    let tell = () => undefined;
    addEventListener('message', ({ data, origin, source }) => {
      const isConsole = source === parent && parent !== window && globalThis.weirConsoles.includes(origin);
      if (!isConsole) return;
      if (data?.weir === 'why') why.checked = data.isOn === true;
      if (data?.weir !== 'console') return;
      document.getElementById('weir').hidden = true;
      tell = (news) => parent.postMessage(news, origin);
      tell({ weir: 'graphiql' });
    });
    const endpoint = new URL(${inScript(endpoint)}, location.href).href;
    const send = globalThis.fetch;
    globalThis.fetch = async (resource, init = {}) => {
      const { href } = new URL(resource?.url ?? resource, location.href);
      const isQuery = href === endpoint && !/IntrospectionQuery/.test(String(init.body));
      if (!isQuery) return send(resource, init);
      const headers = new Headers(init.headers);
      headers.set('apollo-query-plan-experimental', '1');
      if (why.checked) headers.set('apollo-query-plan-experimental-format', 'why');
      const began = performance.now();
      const response = await send(resource, { ...init, headers });
      const requestId = response.headers.get('x-request-id') ?? undefined;
      if (!/json/.test(response.headers.get('content-type') ?? '')) {
        tell({ weir: 'answer', requestId });
        return response;
      }
      const text = await response.text();
      let shown = text;
      let plan;
      try {
        const { extensions, ...answer } = JSON.parse(text);
        const { weir, __queryPlanExperimental, ...others } = extensions ?? {};
        plan = __queryPlanExperimental;
        show({ weir, __queryPlanExperimental: plan }, Math.round(performance.now() - began), requestId);
        shown = JSON.stringify(Object.keys(others).length === 0 ? answer : { ...answer, extensions: others });
      } catch {
        // GraphiQL says what is wrong with it.
      }
      tell({ weir: 'answer', requestId, plan });
      const { status, statusText } = response;
      return new Response(shown, { status, statusText, headers: { 'content-type': response.headers.get('content-type') } });
    };
  })();
</script>
`;

/**
 * A script that lets GraphiQL open the tab of the last visit, or the one of the query in the address; otherwise one with the
 * first query. GraphiQL itself opens one more tab at each visit, without a query and headers, unless it is given the query,
 * variables and headers of a tab that it has stored. It must come after `weirStart`.
 */
export const lastTab = `<script>
  try {
    const start = globalThis.weirStart;
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    const wanted = new URLSearchParams(location.search).get('query') ?? '';
    const isUsable = (tab) => (wanted === '' ? (tab?.query ?? '').trim() !== '' : tab?.query === wanted);
    const last = tabs[activeTabIndex];
    const open = isUsable(last) ? last : tabs.findLast(isUsable);
    if (open !== undefined)
      Object.assign(start, { query: open.query, variables: open.variables ?? '', initialHeaders: open.headers ?? '' });
    else if (wanted === '') localStorage.removeItem('graphiql:tabState');
    else start.initialHeaders = start.headers;
  } catch {
    // The first visit, or a browser that stores nothing.
  }
</script>`;

/** A value as JSON for a script in a page. No text in it can end the script. */
export const inScript = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
