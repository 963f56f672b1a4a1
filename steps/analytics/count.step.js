import { z } from 'zod'

/** @type {import('motia').EventConfig} */
export const config = {
  type: 'event',
  name: 'Count',
  description: 'A JavaScript step: adds one to a counter',
  flows: ['analytics'],
  subscribes: ['analytics.count'],
  emits: [],
  input: z.object({ counter: z.string() }),
}

/** @type {import('motia').Handlers['Count']} */
export const handler = async ({ counter }, { cache }) => {
  await cache.increment(`count:${counter}`, { category: 'analytics' })
}
