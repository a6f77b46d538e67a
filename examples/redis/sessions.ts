/** A web server that knows who has logged in: sessions of express-session, which connect-redis keeps in a store. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { RedisStore } from 'connect-redis';
import session, { type Session, type SessionData } from 'express-session';
import { createClient } from 'redis';
import { WAITAOF } from './rollback.ts';

declare module 'express-session' {
  interface SessionData {
    user: string;
    visits: number;
  }
}

/** What sends a command as it is. */
type Client = { sendCommand(words: readonly string[]): Promise<unknown> };
type Handler = ReturnType<typeof session>;
type OwnSession = Session & Partial<SessionData>;
type Done = (error?: unknown) => void;

/**
 * @param url of a store @param secret signs cookies @param failed is told of each error
 * @returns not listening yet: `POST /login?user=ann`, `POST /logout`, and `GET /`
 */
export async function connectSite(url: string, secret: string, failed: (error: unknown) => void): Promise<Server> {
  const client = createClient({ url });
  client.on('error', failed);
  await client.connect();
  const withSession = session({
    ...{ store: new RedisStore({ client, prefix: 'session:' }), secret, cookie: { maxAge: 3_600_000 } },
    ...{ resave: false, saveUninitialized: false },
  });
  const site = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const request = incoming as Parameters<Handler>[0];
    const response = outgoing as Parameters<Handler>[1];
    const refuse = (error: unknown): void => {
      failed(error);
      if (response.headersSent) return; // only a visit was not saved
      response.writeHead(503, { 'Retry-After': '1' }).end('try again\n');
    };
    withSession(request, response, (error?: unknown) => {
      if (error !== undefined) refuse(error);
      else answer(client, request, response).catch(refuse);
    });
  });
  return site.on('close', () => client.destroy());
}

async function answer(client: Client, request: Parameters<Handler>[0], response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const current: OwnSession = request.session;
  if (pathname === '/login') {
    await promisify((done: Done) => current.regenerate(done))();
    const { session } = request;
    session.user = searchParams.get('user') ?? ''; // where a password is looked at
    await commit(client, (done) => session.save(done));
    response.end('welcome\n');
  } else if (pathname === '/logout') {
    await commit(client, (done) => current.destroy(done));
    response.end('good bye\n');
  } else if (current.user === undefined) {
    response.writeHead(401).end('log in\n');
  } else {
    current.visits = (current.visits ?? 0) + 1; // saved with the answer, and not waited for
    response.end(`${current.user}, visit ${current.visits}\n`);
  }
}

/**
 * The visitor is told of a change once no failure can take it back. Both commands are sent at once: another request's between them could be
 * the one that is told of a rollback.
 */
async function commit(client: Client, change: (done: Done) => unknown): Promise<void> {
  await Promise.all([promisify(change)(), client.sendCommand(WAITAOF)]);
}
