import type { ApiRequest, MotiaPluginBuilder } from 'motia'
import type { Exposition } from '../../../metrics/prometheus.js'
import type { RedisSecret } from '../../../settings/settings.js'
import { watchCallers } from './callers.js'
import { refusal } from './guard.js'

export interface RouteParts {
  /** Opened when the first scrape arrives. */
  readonly metrics: () => Promise<Exposition>
  readonly token: RedisSecret | undefined
  /** MOTIA_REDIS_METRICS=public: figures hold no data, so whoever runs the app may open them alone. */
  readonly publicMetrics: boolean
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string | Record<string, unknown>
}

const BASE = '/__motia/redis/'

/** Adds our routes to Motia's server. Answers how to let go of it. */
export const addRoutes = (
  registerApi: Parameters<MotiaPluginBuilder>[0]['registerApi'],
  { metrics, token, publicMetrics }: RouteParts,
): (() => void) => {
  const callers = watchCallers(BASE)
  const guarded = (isPublic: boolean, answer: () => Promise<Answer>) => async (request: ApiRequest) => {
    const { headers } = request
    const asked = { method: 'GET', headers, from: callers.addressOf(headers) }
    const refused = isPublic ? undefined : refusal(asked, { token: token?.reveal(), readOnly: false })
    return refused === undefined ? answer() : { status: 403, headers: closed, body: { error: refused } }
  }
  const remove = registerApi(
    { method: 'GET', path: `${BASE}metrics` },
    guarded(publicMetrics, async () => {
      const { contentType, text } = await metrics()
      return { status: 200, headers: { ...closed, 'Content-Type': contentType }, body: await text() }
    }),
  )
  return () => {
    callers.close()
    remove()
  }
}

/** Motia allows every origin to read every answer; these are for pages of the server itself. */
const closed = {
  'Access-Control-Allow-Origin': 'null',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
}
