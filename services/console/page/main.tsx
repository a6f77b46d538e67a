/** Joins the page to its server and to its window. */
import { render } from 'preact';
import { PATHS } from '../messages.ts';
import { follow } from './connection.ts';
import { silentSeconds } from './freshness.ts';
import { takeKey } from './key.ts';
import { LEVEL_WORDS } from './level.tsx';
import { createModel } from './model.ts';
import { Page } from './page.tsx';

/** How often the page looks whether what it shows has become old. */
const FRESHNESS_CHECK_MS = 500;

const root = document.getElementById('page') ?? document.body;
const model = createModel();
let build: string | undefined;
let heardAt = performance.now();
let isDrawing = false;

/** Once for all that came meanwhile; not at all while the tab is hidden, since the browser calls then. */
function draw(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    render(<Page view={model.view()} silentS={silentSeconds(heardAt, performance.now())} />, root);
  });
}

/** The tab tells how the cluster is while another one is in front, too. */
function nameTab(): void {
  const view = model.view();
  if (view === undefined) return;
  const isLive = silentSeconds(heardAt, performance.now()) === undefined;
  document.title = `${isLive ? LEVEL_WORDS[view.now.verdict.level] : 'Not known'}: ${view.title}`;
}

function heard(): void {
  heardAt = performance.now();
  nameTab();
  draw();
}

takeKey(window);
addEventListener('hashchange', () => takeKey(window));
draw();
setInterval(() => {
  if (silentSeconds(heardAt, performance.now()) === undefined) return;
  nameTab();
  draw();
}, FRESHNESS_CHECK_MS);
follow(
  {
    open: () => new EventSource(PATHS.events),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
  {
    hello(hello) {
      // Another console has another page, which may understand what this one does not.
      if (build !== undefined && build !== hello.build) {
        location.reload();
        return;
      }
      build = hello.build;
      model.welcome(hello);
      heard();
    },
    update(update) {
      model.update(update);
      heard();
    },
  },
);
