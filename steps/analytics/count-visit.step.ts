import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { validBody } from '../shared/valid-body'
import { whenAway } from '../shared/when-away'

const Body = z.object({ page: z.string().regex(/^[a-z][a-z-]{0,31}$/) })

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'CountVisit',
  description: 'Counts a visit of a page',
  flows: ['analytics'],
  method: 'POST',
  path: '/analytics/visits',
  bodySchema: Body,
  middleware: [whenAway, validBody(Body)],
  emits: [],
}

export const handler: Handlers['CountVisit'] = async (req, { cache }) => {
  // The one call that can fail while a single Redis is away: whether it was counted may be unknown just then.
  const visits = await cache.increment(`count:visits-${req.body.page}`, { category: 'analytics' })
  return { status: 200, body: { page: req.body.page, visits } }
}
