/** What of redis-py's own tests cannot pass at a store, and why. */
import type { Known } from './verdict.ts';

/** Files of its tests, without those of messages, scripts, users, streams, modules, clusters and sentinels. */
export const FILES: readonly string[] = [
  'test_commands',
  'test_connection',
  'test_connection_pool',
  'test_encoding',
  'test_legacy_responses_arg',
  'test_max_connections_error',
  'test_multiprocessing',
  'test_pipeline',
  'test_retry',
  'test_asyncio/test_connection_pool',
  'test_asyncio/test_encoding',
  'test_asyncio/test_pipeline',
];

/** Tests that connect to port 6379, whatever address they are given: what they say depends on what is there. */
export const ELSEWHERE: readonly string[] = [
  'test_commands.py::TestRedisCommands::test_client_setinfo',
  'test_commands.py::TestRedisCommands::test_client_setinfo_with_driver_info',
  'test_connection.py::TestConnection::test_retry_connect_on_timeout_error',
  'test_connection.py::TestConnection::test_connect_with_retries',
  'test_connection.py::test_create_single_connection_client_from_url',
  'test_asyncio/test_connection_pool.py::TestConnectionPool::test_multiple_connections',
  'test_asyncio/test_connection_pool.py::TestConnectionPool::test_max_connections',
  'test_asyncio/test_connection_pool.py::TestConnectionPool::test_reuse_previously_released_connection',
];

const COMMANDS = 'TestRedisCommands::test_';

function ofCommands(...names: string[]): string[] {
  return names.map((name) => `${COMMANDS}${name}`);
}

export const KNOWN: Known = {
  missing: {
    'commands that wait are not there': [
      ...['BLMOVE', 'BLMPOP', 'BLPOP', 'BRPOP', 'BRPOPLPUSH', 'BZMPOP', 'BZPOPMAX', 'BZPOPMIN'],
    ],
    'no bits of strings': ['BITCOUNT', 'BITFIELD', 'BITOP', 'BITPOS', 'GETBIT', 'SETBIT'],
    'no places, and no estimates of how many': ['GEOADD', 'GEOPOS', 'PFADD'],
    'no serialized values, sorting and comparison': ['DUMP', 'LCS', 'SORT'],
    'no messages and streams': ['MONITOR', 'SUBSCRIBE', 'XACK', 'XADD', 'XDEL', 'XGROUP', 'XLEN', 'XTRIM'],
    'no users: there is the client token': ['ACL'],
    'volumes, memory and processes are those of the cluster': [
      ...['BGSAVE', 'DEBUG', 'LASTSAVE', 'LATENCY', 'MEMORY', 'REPLICAOF', 'ROLE'],
    ],
    'no art': ['LOLWUT'],
  },
  different: {
    test_commands: {
      'the client token is no setting': ofCommands('auth'),
      'no control of other connections, no pauses, no tracking': [
        ...ofCommands('client_list_types_not_replica', 'client_list_replica', 'client_list_client_id'),
        ...ofCommands('client_trackinginfo', 'client_tracking', 'client_getredir', 'client_reply', 'client_unblock'),
        ...ofCommands('client_kill', 'client_kill_filter_by_id', 'client_kill_filter_by_addr'),
        ...ofCommands('client_kill_filter_by_laddr', 'client_pause', 'client_pause_all', 'client_unpause'),
      ],
      'settings are those of the cluster': [
        ...ofCommands('config_get', 'config_get_multi_params', 'config_resetstat', 'config_set'),
        ...ofCommands('config_set_multi_params', 'slowlog_get', 'slowlog_get_limit', 'slowlog_length'),
      ],
      'how long a key was not used is not told': ofCommands('object'),
      'there is one database': ofCommands('select', 'copy_to_another_database'),
      'Redis 7.0 does not have it either': ofCommands('zrank_withscore', 'zrevrank_withscore'),
      'there are fewer commands': ofCommands('command_list'),
      'COMMAND does not look for keys': ofCommands('command_getkeys', 'command_getkeysandflags'),
      'a value has at most 4 MiB less 128 KiB': ['TestBinarySave::test_large_responses'],
    },
  },
  notRun: [],
};
