/** Commands about the server: what it can do, how it is set, and how it is. */
import { LISTENER_LIMITS } from '@dpr/runtime';
import type { Arguments } from './arguments.ts';
import { type CommandFacts, type DataCommand, type MemoryFacts, NO_KEYS, type RespType } from './command.ts';
import { CommandError } from './command-error.ts';
import type { AnyCommand } from './command-table.ts';
import { REDIS_VERSION } from './connection-commands.ts';
import { MAX_BULK_BYTES } from './limits.ts';
import type { CommandClient, LocalCommand, ServerFacts } from './local-command.ts';
import type { ReplyWriter } from './reply-writer.ts';

const FLAGS = ['loading', 'stale'];

export const SERVER_COMMANDS: readonly LocalCommand[] = [
  { name: 'command', arity: -1, flags: FLAGS, keys: NO_KEYS, summary: 'Tells of the commands.', run: command },
  { name: 'config', arity: -2, flags: FLAGS, keys: NO_KEYS, summary: 'Tells of settings.', run: config },
  { name: 'time', arity: 1, flags: FLAGS, keys: NO_KEYS, summary: 'Tells the time of day.', run: time },
];

function time(_words: Arguments, { reply, server }: CommandClient): void {
  const ms = server.wall();
  reply.array(2);
  reply.bulk(String(Math.floor(ms / 1000)));
  reply.bulk(String((ms % 1000) * 1000));
}

function command(words: Arguments, { reply, table }: CommandClient): void {
  const subcommand = words.count === 1 ? '' : words.word(1);
  const named = Array.from({ length: Math.max(0, words.count - 2) }, (_, index) => table.named(words.text(index + 2)));
  if (subcommand === 'COUNT') {
    reply.integer(table.all.length);
  } else if (subcommand === 'DOCS') {
    const known = words.count === 2 ? table.all : named.filter((one) => one !== undefined);
    reply.map(known.length);
    for (const one of known) writeDocs(reply, one);
  } else if (subcommand === '' || subcommand === 'INFO') {
    const all = words.count <= 2 ? table.all : named;
    reply.array(all.length);
    for (const one of all) writeInfo(reply, one);
  } else if (subcommand === 'LIST' && words.count === 2) {
    reply.array(table.all.length);
    for (const one of table.all) reply.bulk(one.name);
  } else {
    throw new CommandError('ERR unknown subcommand of COMMAND: there are COUNT, DOCS, INFO and LIST');
  }
}

function writeInfo(reply: ReplyWriter, one: CommandFacts | undefined): void {
  if (one === undefined) return reply.nullArray();
  reply.array(10);
  reply.bulk(one.name);
  reply.integer(one.arity);
  reply.set(one.flags.length);
  for (const flag of one.flags) reply.simple(flag);
  for (const place of one.keys) reply.integer(place);
  for (let empty = 0; empty < 4; empty++) reply.array(0); // categories, tips, key specifications, subcommands
}

function writeDocs(reply: ReplyWriter, { name, summary, ...rest }: CommandFacts): void {
  const group = 'run' in rest ? 'connection' : 'generic';
  reply.bulk(name);
  reply.map(2);
  for (const text of ['summary', summary, 'group', group]) reply.bulk(text);
}

/** What clients ask for. The cluster's settings are in the config of its stack, and cannot be changed here. */
function settings({ server }: CommandClient): Readonly<Record<string, string>> {
  const memory = server.memory();
  return {
    appendonly: 'yes',
    databases: '1',
    maxclients: String(LISTENER_LIMITS.connections),
    maxmemory: String(memory.maxBytes),
    'maxmemory-policy': policyOf(memory),
    port: String(server.port),
    'proto-max-bulk-len': String(MAX_BULK_BYTES),
    save: '',
    timeout: '0',
  };
}

/** In Redis' words. */
function policyOf({ evicts }: MemoryFacts): string {
  return evicts ? 'allkeys-lru' : 'noeviction';
}

function config(words: Arguments, client: CommandClient): void {
  if (words.word(1) !== 'GET' || words.count < 3) {
    throw new CommandError(
      'ERR only CONFIG GET is there: settings are those of the config of the stack, and of npm start',
    );
  }
  const patterns = Array.from({ length: words.count - 2 }, (_, index) => patternOf(words.text(index + 2)));
  const found = Object.entries(settings(client)).filter(([name]) => patterns.some((fits) => fits(name)));
  client.reply.map(found.length);
  for (const text of found.flat()) client.reply.bulk(text);
}

/** Names of settings by a pattern, of which the star is all that is used. */
function patternOf(text: string): (name: string) => boolean {
  const [first = '', ...rest] = text.toLowerCase().split('*');
  const last = rest.pop();
  return (name) => {
    if (last === undefined) return name === first;
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}

/** `INFO`, whose last section is the worker type's. */
export function infoCommand(type: RespType, server: ServerFacts): DataCommand {
  return {
    ...{ name: 'info', arity: -1, flags: FLAGS, keys: NO_KEYS, isAside: true },
    summary: 'Tells of the server, in sections.',
    write(words, batch) {
      const wanted = Array.from({ length: words.count - 1 }, (_, index) => words.text(index + 1).toLowerCase());
      const isAll = wanted.length === 0 || wanted.some((one) => ['all', 'everything', 'default'].includes(one));
      type.info(batch, (reply, keyspace) => {
        const sections = { ...sectionsOf(server), Keyspace: keyspace };
        const shown = Object.entries(sections).filter(([name]) => isAll || wanted.includes(name.toLowerCase()));
        reply.bulk(shown.map(([name, lines]) => `# ${name}\r\n${lines}`).join('\r\n'));
      });
    },
  };
}

function sectionsOf(server: ServerFacts): Record<string, string> {
  const status = server.status();
  const { rss } = process.memoryUsage();
  const memory = server.memory();
  const seconds = Math.floor((server.now() - server.startedAt) / 1000);
  return {
    Server: linesOf({
      redis_version: REDIS_VERSION,
      redis_mode: 'standalone',
      arch_bits: 64,
      process_id: process.pid,
      tcp_port: server.port,
      uptime_in_seconds: seconds,
      uptime_in_days: Math.floor(seconds / 86_400),
    }),
    Clients: linesOf({ connected_clients: [...server.clients()].length, maxclients: LISTENER_LIMITS.connections }),
    Memory: linesOf({
      used_memory: memory.usedBytes,
      used_memory_rss: rss,
      maxmemory: memory.maxBytes,
      maxmemory_policy: policyOf(memory),
    }),
    Persistence: linesOf({ loading: 0, aof_enabled: 1, aof_last_write_status: 'ok' }),
    Stats: linesOf({
      total_commands_processed: server.commands(),
      total_operations_executed: status.operations,
      evicted_keys: memory.evictedKeys,
    }),
    Replication: linesOf({ role: 'master', connected_slaves: 0 }),
    Cluster: linesOf({ cluster_enabled: 0 }),
    Dpr: linesOf({
      dpr_cluster: status.cluster,
      dpr_worker: status.id,
      dpr_generation: status.generation,
      dpr_world_line: status.worldLine,
      dpr_executed_version: status.executed,
      dpr_durable_version: status.durable,
      dpr_committed_version: status.committed,
      dpr_uncommitted_versions: status.unwritten + status.uncommitted,
      dpr_undo_bytes: status.undoBytes,
    }),
  };
}

function linesOf(fields: Readonly<Record<string, string | number>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');
}

/** Every command of a port of this type. */
export function commandsOf(
  type: RespType,
  server: ServerFacts,
  others: readonly LocalCommand[],
): readonly AnyCommand[] {
  return [...others, ...SERVER_COMMANDS, infoCommand(type, server), ...type.commands];
}
