import type { CronConfig, Handlers } from 'motia'
import { keysOf } from '../shared/keys-of'
import type { Summary } from './summary'

export const config: CronConfig = {
  type: 'cron',
  name: 'RollUp',
  description: 'Every minute: one summary of all counters',
  flows: ['analytics'],
  cron: '* * * * *',
  emits: [],
}

export const handler: Handlers['RollUp'] = async ({ cache }) => {
  const analytics = cache.category('analytics')
  const counts = await analytics.getMany<number>(await keysOf(analytics, 'count:'))
  const summary: Summary = {
    at: new Date(),
    counts: new Map([...counts].map(([key, n]) => [key.slice('count:'.length), n])),
  }
  await analytics.set('summary', summary)
}
