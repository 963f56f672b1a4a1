import type { ApiRouteConfig, Handlers } from 'motia'
import type { Summary } from './summary'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'ShowSummary',
  description: 'The latest roll-up',
  flows: ['analytics'],
  method: 'GET',
  path: '/analytics/summary',
  emits: [],
}

export const handler: Handlers['ShowSummary'] = async (_req, { cache }) => {
  const summary = await cache.get<Summary>('summary', { category: 'analytics' })
  if (!summary) return { status: 404, body: { error: 'nothing rolled up yet' } }
  // A Date and a Map, as the cron step stored them.
  return { status: 200, body: { at: summary.at.toISOString(), counts: Object.fromEntries(summary.counts) } }
}
