// The plugin `pulumi-resource-dpr`, which the engine starts for programs in every language, and stops.
import { main } from '@pulumi/pulumi/provider/server.js';
import manifest from '../package.json' with { type: 'json' };
import { componentProvider } from './component-provider.ts';

void main(componentProvider(manifest.version), process.argv.slice(2));
