/** Commands about the connection: who the client is, how it is answered, and when it ends. */
import type { Arguments } from './arguments.ts';
import { NO_KEYS } from './command.ts';
import { CommandError } from './command-error.ts';
import { MAX_NAME_BYTES } from './limits.ts';
import type { ClientFacts, CommandClient, LocalCommand } from './local-command.ts';
import { numberOf, syntaxError } from './words.ts';

/** The version of Redis whose commands these are, for clients that look at it. */
export const REDIS_VERSION = '7.2.0';
const FLAGS = ['fast', 'loading', 'stale'];

function local(
  name: string,
  arity: number,
  summary: string,
  run: LocalCommand['run'],
  options: Partial<LocalCommand> = {},
): LocalCommand {
  return { name, arity, summary, run, flags: FLAGS, keys: NO_KEYS, ...options };
}

export const CONNECTION_COMMANDS: readonly LocalCommand[] = [
  local('hello', -1, 'Chooses RESP2 or RESP3, and tells of the server.', hello, { isForGuests: true }),
  local('auth', -2, 'Shows the client token.', auth, { isForGuests: true }),
  local('ping', -1, 'Answers PONG, or what it was given.', ping),
  local('echo', 2, 'Answers what it was given.', ({ bytes, starts, ends }, { reply }) =>
    reply.bytesOf(bytes, starts[1] ?? 0, ends[1] ?? 0),
  ),
  local('select', 2, 'There is one database, 0.', select),
  local('client', -2, 'Tells of connections, and names this one.', client),
  local('reset', 1, 'Makes the connection as it was when it began.', reset, { isForGuests: true, isImmediate: true }),
  local('quit', -1, 'Closes the connection.', quit, { isForGuests: true, isImmediate: true }),
];

function hello(words: Arguments, client: CommandClient): void {
  const wanted = words.count > 1 ? protocolOf(words) : client.facts.protocol;
  let name: string | undefined;
  for (let at = 2; at < words.count; at++) {
    const option = words.word(at);
    if (option === 'AUTH' && at + 2 < words.count) {
      login(client, words.text(at + 1), words.text(at + 2));
      at += 2;
    } else if (option === 'SETNAME' && at + 1 < words.count) {
      name = nameOf(words, ++at);
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${words.text(at)}'`);
    }
  }
  if (client.server.asksForToken && client.isGuest) {
    throw new CommandError(
      'NOAUTH HELLO must be called with the client authenticated, or with AUTH default and the client token',
    );
  }
  if (name !== undefined) client.setName(name);
  client.setProtocol(wanted);
  tell(client);
}

function protocolOf(words: Arguments): 2 | 3 {
  const version = words.text(1);
  if (version !== '2' && version !== '3') throw new CommandError('NOPROTO unsupported protocol version');
  return version === '2' ? 2 : 3;
}

function tell({ reply, facts }: CommandClient): void {
  reply.map(7);
  const texts = { server: 'redis', version: REDIS_VERSION };
  for (const [key, value] of Object.entries(texts)) {
    reply.bulk(key);
    reply.bulk(value);
  }
  for (const [key, value] of Object.entries({ proto: facts.protocol, id: facts.id })) {
    reply.bulk(key);
    reply.integer(value);
  }
  for (const [key, value] of Object.entries({ mode: 'standalone', role: 'master' })) {
    reply.bulk(key);
    reply.bulk(value);
  }
  reply.bulk('modules');
  reply.array(0);
}

function auth(words: Arguments, client: CommandClient): void {
  if (words.count > 3) throw syntaxError();
  login(client, words.count === 3 ? words.text(1) : 'default', words.text(words.count - 1));
  client.reply.ok();
}

/** There are no users: a client that has the token is the one that Redis calls `default`. */
function login(client: CommandClient, user: string, token: string): void {
  if (!client.server.asksForToken) {
    throw new CommandError('ERR AUTH <password> called without any password configured: no client token is asked for');
  }
  const refusal = user === 'default' ? client.authenticate(token) : 'the user is not default';
  if (refusal !== undefined) throw new CommandError(`WRONGPASS invalid username-password pair: ${refusal}`);
}

function ping(words: Arguments, { reply }: CommandClient): void {
  if (words.count > 2) throw new CommandError("ERR wrong number of arguments for 'ping' command");
  if (words.count === 2) reply.bytesOf(words.bytes, words.start(1), words.end(1));
  else reply.simple('PONG');
}

function select(words: Arguments, { reply }: CommandClient): void {
  const index = numberOf(words, 1, undefined, undefined, 'ERR invalid DB index');
  if (index !== 0) throw new CommandError('ERR DB index is out of range: there is one database, 0');
  reply.ok();
}

function reset(_words: Arguments, client: CommandClient): void {
  client.reset();
  client.reply.simple('RESET');
}

function quit(_words: Arguments, client: CommandClient): void {
  client.reply.ok();
  client.quit();
}

type Subcommand = (words: Arguments, client: CommandClient) => void;

const CLIENT_SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  ID: (_words, { reply, facts }) => reply.integer(facts.id),
  GETNAME: (_words, { reply, facts }) => (facts.name === '' ? reply.null() : reply.bulk(facts.name)),
  SETNAME(words, client) {
    count(words, 3);
    client.setName(nameOf(words, 2));
    client.reply.ok();
  },
  SETINFO: setInfo,
  INFO: (_words, { reply, facts, server }) => reply.bulk(`${lineOf(facts, server.now())}\n`),
  LIST({ count: given }, { reply, server }) {
    if (given > 2) throw new CommandError('ERR CLIENT LIST takes no options here');
    const lines = [...server.clients()].map((one) => `${lineOf(one, server.now())}\n`);
    reply.bulk(lines.join(''));
  },
  'NO-EVICT': onOrOff,
  'NO-TOUCH': onOrOff,
};

function client(words: Arguments, client: CommandClient): void {
  const name = words.word(1);
  const subcommand = Object.hasOwn(CLIENT_SUBCOMMANDS, name) ? CLIENT_SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined) {
    const known = Object.keys(CLIENT_SUBCOMMANDS).join(', ');
    throw new CommandError(`ERR unknown subcommand of CLIENT: there are ${known}`);
  }
  subcommand(words, client);
}

function setInfo(words: Arguments, client: CommandClient): void {
  count(words, 4);
  const option = words.word(2);
  if (option !== 'LIB-NAME' && option !== 'LIB-VER') {
    throw new CommandError(`ERR Unrecognized option '${words.text(2)}': there are LIB-NAME and LIB-VER`);
  }
  client.setLibrary(option === 'LIB-NAME' ? 'library' : 'libraryVersion', nameOf(words, 3));
  client.reply.ok();
}

/** Nothing is evicted for a connection, or kept for one. */
function onOrOff(words: Arguments, { reply }: CommandClient): void {
  count(words, 3);
  if (!['ON', 'OFF'].includes(words.word(2))) throw syntaxError();
  reply.ok();
}

function count(words: Arguments, wanted: number): void {
  if (words.count === wanted) return;
  throw new CommandError(`ERR wrong number of arguments for 'client|${words.text(1).toLowerCase()}' command`);
}

/** A name is shown in lists, so it has no spaces. */
function nameOf(words: Arguments, index: number): string {
  const name = words.text(index);
  if (!/^[\x21-\x7e]*$/.test(name)) {
    throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  if (name.length > MAX_NAME_BYTES) throw new CommandError(`ERR a name has at most ${MAX_NAME_BYTES} bytes`);
  return name;
}

function lineOf(facts: ClientFacts, now: number): string {
  const seconds = (since: number): number => Math.floor((now - since) / 1000);
  const fields = {
    id: facts.id,
    addr: facts.address,
    laddr: facts.localAddress,
    name: facts.name,
    age: seconds(facts.connectedAt),
    idle: seconds(facts.activeAt),
    flags: facts.queued >= 0 ? 'x' : 'N',
    db: 0,
    sub: 0,
    psub: 0,
    ssub: 0,
    multi: facts.queued,
    watch: facts.watched,
    qbuf: facts.heldBytes,
    omem: facts.unreadBytes,
    cmd: facts.lastCommand || 'NULL',
    user: 'default',
    resp: facts.protocol,
    'lib-name': facts.library,
    'lib-ver': facts.libraryVersion,
  };
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
