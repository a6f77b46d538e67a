/** Joins the page to its server and to its window. */
import { render } from 'preact';
import { PATHS } from '../messages.ts';
import { follow } from './connection.ts';
import { silentSeconds } from './freshness.ts';
import { takeKey } from './key.ts';
import { createModel } from './model.ts';
import { Page } from './page.tsx';

/** How often the page looks whether what it shows has become old. */
const FRESHNESS_CHECK_MS = 500;

const root = document.getElementById('page') ?? document.body;
const model = createModel();
let build: string | undefined;
let heardAt = performance.now();
let isDrawn = true;

/** Once for all that came meanwhile; not at all while the tab is hidden, since the browser calls then. */
function draw(): void {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(() => {
    isDrawn = true;
    render(<Page view={model.view()} silentS={silentSeconds(heardAt, performance.now())} />, root);
  });
}

function heard(): void {
  heardAt = performance.now();
  draw();
}

takeKey(window);
draw();
setInterval(() => {
  if (silentSeconds(heardAt, performance.now()) !== undefined) draw();
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
