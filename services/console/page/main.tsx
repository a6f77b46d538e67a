/** Joins the page to its server and to its window. */
import { render } from 'preact';
import { PATHS } from '../messages.ts';
import { follow, type Listener } from './connection.ts';
import { doubtOf, paceAfter, type Connection, type Pace } from './freshness.ts';
import { takeKey } from './key.ts';
import { LEVEL_WORDS } from './level.tsx';
import { createModel } from './model.ts';
import { Page } from './page.tsx';
import { askWhy } from './refusal.ts';
import { whileShown } from './visibility.ts';

/** How often the page looks whether what it shows has become old. */
const FRESHNESS_CHECK_MS = 500;

const root = document.getElementById('page') ?? document.body;
const model = createModel();
let build: string | undefined;
let connection: Connection = { since: performance.now() };
let isDrawing = false;

/** Once for all that came meanwhile; not at all while the tab is hidden, since the browser calls then. */
function draw(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    render(<Page view={model.view()} doubt={doubtOf(connection, performance.now())} />, root);
  });
}

/** The tab tells how the cluster is while another one is in front, too. */
function nameTab(): void {
  const view = model.view();
  if (view === undefined) return;
  const isLive = doubtOf(connection, performance.now()) === undefined;
  document.title = `${isLive ? LEVEL_WORDS[view.now.verdict.level] : 'Not known'}: ${view.title}`;
}

function show(): void {
  nameTab();
  draw();
}

/** @param before undefined: it came first over its connection */
function heard(at: number, before?: Pace): void {
  const now = performance.now();
  connection = { since: now, pace: paceAfter(before, at, now) };
  show();
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

const listener: Listener = {
  hello(hello) {
    // Another console has another page, which may understand what this one does not.
    if (build !== undefined && build !== hello.build) {
      location.reload();
      return;
    }
    build = hello.build;
    model.welcome(hello);
    heard(hello.now.at);
  },
  update(update) {
    model.update(update);
    heard(update.at, connection.pace);
  },
  stopped({ text }) {
    connection = { ...connection, stopped: text };
    show();
  },
  refused(text) {
    const { refusal: _, ...others } = connection;
    connection = text === undefined ? others : { ...others, refusal: text };
    show();
  },
};

/** @returns what ends it while the tab is hidden */
function followConsole(): () => void {
  connection = { ...connection, since: performance.now() };
  const end = follow({ open: () => new EventSource(PATHS.events), after, askWhy }, listener);
  return () => {
    end();
    connection = { ...connection, wasHidden: true };
    show();
  };
}

takeKey(window);
addEventListener('hashchange', () => takeKey(window));
draw();
setInterval(() => {
  if (doubtOf(connection, performance.now()) !== undefined) show();
}, FRESHNESS_CHECK_MS);
whileShown(
  {
    isHidden: () => document.visibilityState === 'hidden',
    onChange: (changed) => document.addEventListener('visibilitychange', changed),
    after,
  },
  followConsole,
);
