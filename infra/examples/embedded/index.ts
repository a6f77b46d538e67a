// A Pulumi program of one's own that has a cluster among other things, and hands its address to them.
import { DprCluster } from '@dpr/infra/components';
import { Provider } from '@pulumi/kubernetes/provider.js';
import { Config } from '@pulumi/pulumi';

const config = new Config();
const provider = new Provider('kubernetes', { enableConfigMapMutable: true }); // ports change without a new ConfigMap

const cluster = new DprCluster(
  'orders',
  {
    settings: {
      namespace: 'orders',
      images: { registry: 'registry.example.com/dpr', tag: '0.1.0' },
      workerDefaults: { storage: '20Gi', memory: { request: '1Gi', limit: '2Gi' } },
      workers: [{ id: 0 }, { id: 1 }],
    },
    controlToken: config.requireSecret('controlToken'),
  },
  { providers: [provider] },
);

export const { finderUrl, endpoints } = cluster;
