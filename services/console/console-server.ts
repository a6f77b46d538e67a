/** The console over HTTP: the page, its stream of events, and what the page asks for. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bindPort } from '@dpr/runtime/bind-port';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { PATHS, WRONG_KEY, type Answer, type Stopped } from './messages.ts';
import type { PageAssets } from './page-assets.ts';
import { refuseRequest, showsSecret } from './visitors.ts';

export interface ConsoleServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly assets: PageAssets;
  /** Any of them lets its bearer change something; an empty one does not. */
  readonly secrets: () => readonly string[];
  /** What a page is told first, as JSON, and the last event that it tells of. */
  readonly hello: () => { readonly content: string; readonly newest: number };
  /** By path. */
  readonly actions: Readonly<Record<string, Action>>;
}

/** Does what the body of a request asks for. */
export type Action = (body: unknown) => Outcome | Promise<Outcome>;

/** What became of a request: an HTTP status, and a sentence. */
export interface Outcome extends Answer {
  readonly status: number;
}

export interface ConsoleServer {
  readonly port: number;
  readonly streams: Pick<EventStreams, 'update' | 'count'>;
  /** @param farewell a sentence that pages show then */
  readonly close: (farewell?: string) => Promise<void>;
}

export const MAX_CONNECTIONS = 128;
export const MAX_BODY_BYTES = 4_096;
/** A connection that has not sent its request by then is closed: those that say nothing must not keep pages out. */
export const REQUEST_TIMEOUT_MS = 5_000;
/** How often the server looks for such; Node itself looks every 30 s. */
const CHECK_EVERY_MS = 500;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** @throws ProcessError when the port cannot be bound */
export async function serveHttp(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { host, port, assets, secrets, hello, actions } = options;
  const streams = createEventStreams();
  const files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
    [PATHS.page]: { type: 'text/html', text: assets.html },
    [PATHS.script]: { type: 'text/javascript', text: assets.script },
    [PATHS.styles]: { type: 'text/css', text: assets.styles },
    [PATHS.licences]: { type: 'text/plain', text: assets.licences },
  };

  /** @returns what to answer; undefined: it is answered */
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<Outcome | undefined> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const stranger = refuseRequest(request.headers);
    if (stranger !== undefined) return { status: 403, text: stranger };
    const path = request.url?.split('?')[0] ?? '';
    const action = Object.hasOwn(actions, path) ? actions[path] : undefined;
    if (action !== undefined) return await act(request, action);
    if (request.method !== 'GET') return { status: 405, text: 'only GET is answered here' };
    if (path === PATHS.events) {
      const { content, newest } = hello();
      if (streams.open(response, content, newest)) return undefined;
      return { status: 503, text: 'too many pages are open: close one of them' };
    }
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (file === undefined) return { status: 404, text: `the console is at ${PATHS.page}` };
    response.setHeader('content-type', `${file.type}; charset=utf-8`);
    response.end(file.text);
    return undefined;
  }

  async function act(request: IncomingMessage, action: Action): Promise<Outcome> {
    if (request.method !== 'POST') return { status: 405, text: 'only POST is answered here' };
    if (!showsSecret(request.headers, secrets())) return { status: 401, text: WRONG_KEY };
    const body = await jsonBody(request);
    return body === undefined ? { status: 400, text: 'the request is no short JSON' } : action(body);
  }

  const limits = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  };
  const server = createServer(limits, (request, response) => {
    void respond(request, response)
      .catch((error: unknown) => ({ status: 500, text: String(error) }))
      .then((outcome) => {
        if (outcome !== undefined) answer(response, outcome);
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (_error, socket) => socket.destroy());
  await bindPort(server, 'console port', { host, port });
  return {
    port: (server.address() as AddressInfo).port,
    streams,
    async close(farewell = 'The console was stopped.') {
      streams.close(JSON.stringify({ text: farewell } satisfies Stopped));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(response: ServerResponse, { status, text }: Outcome): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ text } satisfies Answer));
}

/** Undefined: it is too long, or no JSON. */
async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    return undefined;
  }
}
