/** Probes and metrics over HTTP, at a port of their own that answers as long as the event loop turns. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { bindPort } from './bind-port.ts';
import { keepInHand } from './descriptors.ts';
import type { Log } from './log.ts';
import { PROGRAMS_ONLY, refuseVisitor, type Visitors } from './request-origins.ts';

/** Why not, in words; undefined: yes. */
export type Answer = string | undefined;

export interface Probes {
  /** Has the process finished joining or recovering once? */
  readonly startup: () => Answer;
  /** Does it serve now? */
  readonly ready: () => Answer;
}

export interface AdminOptions extends Probes {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
  readonly metrics: Registry;
  /** `PROGRAMS_ONLY` unless given. */
  readonly visitors?: Visitors;
  /** What else is told, as JSON, by path. */
  readonly pages?: Readonly<Record<string, () => object>>;
}

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A connection that has not sent its request by then is closed: silent connections must not keep probes out for long. */
const HEADERS_TIMEOUT_MS = 2_000;
/** How often the server looks for late requests; Node's own 30 s are more than a supervisor waits for an answer. */
const CHECK_EVERY_MS = 500;
/** Of the descriptors that clients leave. */
export const MAX_ADMIN_CONNECTIONS = 48;

/** @throws ProcessError when the port cannot be bound */
export async function serveAdmin(options: AdminOptions): Promise<AdminServer> {
  const { host, port, log, metrics, pages = {}, visitors = PROGRAMS_ONLY } = options;
  const answers: Readonly<Record<string, () => Answer>> = {
    '/startup': options.startup,
    '/ready': options.ready,
    '/live': () => undefined,
  };

  async function sendMetrics(response: ServerResponse): Promise<void> {
    response.setHeader('content-type', metrics.contentType);
    response.end(await metrics.metrics());
  }

  const limits = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CHECK_EVERY_MS };
  const server = createServer(limits, (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const probe = answers[path];
    const stranger = refuseVisitor(request.headers, visitors);
    if (stranger !== undefined) return sendJson(response, 403, stranger);
    if (request.method !== 'GET' && request.method !== 'HEAD') return sendJson(response, 405, 'only GET is answered');
    if (probe !== undefined) {
      const reason = probe();
      return sendJson(response, reason === undefined ? 200 : 503, reason);
    }
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page !== undefined) {
      response.setHeader('content-type', 'application/json');
      return void response.end(`${JSON.stringify(page())}\n`);
    }
    if (path !== '/metrics') return sendJson(response, 404, 'see /startup, /ready, /live and /metrics');
    sendMetrics(response).catch((error: unknown) => {
      log.error({ event: 'scrapeFailed', reason: String(error) });
      sendJson(response, 500, 'the metrics could not be collected; see the log');
    });
  });
  server.maxConnections = MAX_ADMIN_CONNECTIONS;
  server.on('clientError', (_error, socket) => socket.destroy());
  await bindPort(server, 'admin port', { host, port });
  server.on('error', (error) => log.error({ event: 'adminFailed', reason: error.message }));
  const letGo = keepInHand();
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      letGo();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function sendJson(response: ServerResponse, status: number, reason: Answer): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ ok: reason === undefined, ...(reason === undefined ? {} : { reason }) })}\n`);
}
