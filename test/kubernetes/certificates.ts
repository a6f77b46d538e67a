/** Certificates of an address's own, and which of them is shown there. */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { command, kubectl } from './deployments.ts';

export interface Certificate {
  /** PEM: what clients trust. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly fingerprint: string;
  /** What the ingress's log calls it. */
  readonly name: string;
}

/** Makes one for an IP address. */
export async function certify(address: string): Promise<Certificate> {
  return inDirectory(async (file) => {
    const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    const subject = ['-subj', '/CN=dpr test', '-addext', `subjectAltName=IP:${address}`];
    await command('openssl', ['req', ...form, ...subject, '-keyout', file('key'), '-out', file('crt')], {});
    const [certificate, key] = [await readFile(file('crt'), 'utf8'), await readFile(file('key'), 'utf8')];
    const { fingerprint256 } = new X509Certificate(certificate);
    const name = createHash('sha256').update(certificate).digest('hex').slice(0, 16);
    return { certificate, key, fingerprint: fingerprint256, name };
  });
}

/** Puts it into a Secret, which may be there already, as OPERATIONS.md tells. */
export async function store({ certificate, key }: Certificate, secret: string, namespace: string): Promise<void> {
  const manifest = await inDirectory(async (file) => {
    await writeFile(file('crt'), certificate);
    await writeFile(file('key'), key);
    const files = ['--cert', file('crt'), '--key', file('key')];
    return kubectl(['create', 'secret', 'tls', secret, ...files, '-n', namespace, '--dry-run=client', '-o', 'yaml']);
  });
  await kubectl(['apply', '-f', '-'], manifest.join('\n'));
}

/** @returns the fingerprint of what a new connection is shown */
export async function shownAt(host: string, port: number): Promise<string | undefined> {
  const socket = connect({ host, port, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.fingerprint256;
  } finally {
    socket.destroy();
  }
}

async function inDirectory<T>(work: (file: (extension: string) => string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'dpr-certificate-'));
  try {
    return await work((extension) => path.join(directory, `tls.${extension}`));
  } finally {
    await rm(directory, { recursive: true });
  }
}
