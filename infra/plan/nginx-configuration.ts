import { createHash } from 'node:crypto';

/** A public port and the Service behind it. */
export type IngressRoute = {
  /** The name of the port in the ingress's Service, which Kubernetes wants to be short. */
  readonly name: string;
  readonly port: number;
  /** `service:port` inside the cluster. */
  readonly target: string;
};

/** The directory that NGINX and the program that feeds it share: configuration, process id, sockets, log of errors. */
export const INGRESS_DIRECTORY = '/run/dpr';
/** Where the certificate is mounted, if there is one. */
export const TLS_DIRECTORY = '/etc/dpr/tls';
/** Where Kubernetes puts a service account by itself, and programs look for it. */
export const ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An idle connection lives this long; WebSocket pings come far more often. */
const IDLE_TIMEOUT_MINUTES = 60;
/**
 * Inside a cluster a connection takes a few milliseconds. One to a pod that was just deleted takes for ever, because packets to
 * its address vanish until every node has heard of it; clients try again at once, and by then find its successor.
 */
const CONNECT_TIMEOUT_MS = 250;
/** Of each of NGINX's processes; a client's connection takes two, one on either side. */
const CONNECTIONS_PER_PROCESS = 16_384;
const PROCESSES = 2;
/** Of clients at one address, together at all ports: half of what NGINX takes. */
const CONNECTIONS_PER_ADDRESS = (PROCESSES * CONNECTIONS_PER_PROCESS) / 2 / 2;
/** Has room for as many addresses as there can be connections. */
const ADDRESSES_MEGABYTES = 4;
/**
 * How long the processes of a replaced configuration serve connections that are still open. Each change leaves some behind, and
 * their memory must not add up; clients whose connection ends then connect again and lose nothing.
 */
const REPLACED_PROCESS_MINUTES = 60;
const VERSION_CHARACTERS = 16;

/**
 * NGINX's configuration. It tells its own version, a hash of everything else in it, to each program that connects to the socket
 * `version.sock`, so that what is served can be told from what was only asked for.
 */
export function ingressConfiguration(routes: readonly IngressRoute[], options: IngressOptions) {
  const { withTls, tellsAddresses, addresses = [''] } = options;
  const body = [
    ...(tellsAddresses ? ADDRESSES : []),
    ...(withTls ? [`ssl_certificate ${TLS_DIRECTORY}/tls.crt;`, `ssl_certificate_key ${TLS_DIRECTORY}/tls.key;`] : []),
    ...routes.map(({ port, target }) => {
      const listen = addresses.map((at) => `listen ${at}${port}${withTls ? ' ssl' : ''} so_keepalive=on;`).join(' ');
      const tell = tellsAddresses ? ` limit_conn addresses ${CONNECTIONS_PER_ADDRESS}; proxy_protocol on;` : '';
      return `server { ${listen} proxy_pass ${target};${tell} }`;
    }),
  ];
  const version = createHash('sha256').update(HEAD.concat(body).join('\n')).digest('hex').slice(0, VERSION_CHARACTERS);
  const text = [
    ...HEAD,
    ...body.map((line) => `  ${line}`),
    `  server { listen unix:${INGRESS_DIRECTORY}/version.sock; return ${version}; }`,
    '}',
    '',
  ].join('\n');
  return { text, version };
}

export type IngressOptions = {
  readonly withTls: boolean;
  /** Whether what is behind NGINX is told where each client comes from, by a header of the PROXY protocol. */
  readonly tellsAddresses: boolean;
  /** What a port listens at, each as it stands before the number: `[::]:` is every address of IPv6, and nothing every one of IPv4. */
  readonly addresses?: readonly string[];
};

const ADDRESSES = [
  `limit_conn_zone $binary_remote_addr zone=addresses:${ADDRESSES_MEGABYTES}m;`,
  'limit_conn_log_level info;',
];

const HEAD = [
  '# Made from the stack configuration; an edit here is lost with the next deployment.',
  `pid ${INGRESS_DIRECTORY}/nginx.pid;`,
  'error_log stderr notice;',
  `error_log ${INGRESS_DIRECTORY}/errors.log emerg;`,
  `worker_processes ${PROCESSES};`,
  `worker_shutdown_timeout ${REPLACED_PROCESS_MINUTES}m;`,
  `worker_rlimit_nofile ${2 * CONNECTIONS_PER_PROCESS};`,
  `events { worker_connections ${CONNECTIONS_PER_PROCESS}; }`,
  'stream {',
  `  proxy_connect_timeout ${CONNECT_TIMEOUT_MS}ms;`,
  `  proxy_timeout ${IDLE_TIMEOUT_MINUTES}m;`,
  '  proxy_socket_keepalive on;',
];
