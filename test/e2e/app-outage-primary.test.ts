import { describeOneAway } from './outage-scene.ts'

describeOneAway('primary')
