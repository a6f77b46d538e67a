import { describeVolumeCrashes } from './volume-crashes.ts';

describeVolumeCrashes({ every: 4, claims: 1, lives: 15, zombies: 15 });
