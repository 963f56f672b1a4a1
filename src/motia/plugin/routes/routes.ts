import type { ApiRequest, MotiaPluginBuilder } from 'motia'
import type { Exposition } from '../../../metrics/prometheus.js'
import type { RedisSecret, Settings } from '../../../settings/settings.js'
import { type AnswerParts, createAnswers } from './answers.js'
import { watchCallers } from './callers.js'
import { refusal } from './guard.js'
import { withPrefix } from './prefix-header.js'

export interface RouteParts extends AnswerParts {
  /** Opened when the first scrape arrives. */
  readonly metrics: () => Promise<Exposition>
  readonly panel: Settings['panel']
  readonly production: boolean
  readonly token: RedisSecret | undefined
  /** MOTIA_REDIS_METRICS=public: figures hold no data, so whoever runs the app may open them alone. */
  readonly publicMetrics: boolean
}

interface Response {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: string | object
}

type Handler = (request: ApiRequest) => Promise<Response>

const BASE = '/__motia/redis/'

/** Adds our routes to Motia's server. Answers how to let go of them. */
export const addRoutes = (
  registerApi: Parameters<MotiaPluginBuilder>[0]['registerApi'],
  parts: RouteParts,
): (() => void) => {
  const { metrics, panel, production, token, publicMetrics } = parts
  const callers = watchCallers(BASE)
  const answers = createAnswers(parts)

  /** `lock`: machine: only this one, or the token; token: in production only that. */
  const add = (
    method: 'GET' | 'POST',
    path: string,
    lock: 'none' | 'machine' | 'token',
    handler: Handler,
  ): (() => void) =>
    registerApi({ method, path: BASE + path }, async (request) => {
      const { headers } = request
      const asked = { method, headers, from: callers.addressOf(headers) }
      const tokenOnly = production && lock === 'token'
      const locks = { token: token?.reveal(), readOnly: panel === 'read-only', tokenOnly }
      const refused = lock === 'none' ? undefined : refusal(asked, locks)
      const answer: Response =
        refused === undefined ? await handler(request) : { status: 403, body: { error: refused } }
      return { ...answer, headers: { ...closed, ...answer.headers } }
    })

  const removals = [
    add('GET', 'metrics', publicMetrics ? 'none' : 'machine', async () => {
      const { contentType, text } = await metrics()
      return { status: 200, headers: { 'Content-Type': contentType }, body: await text() }
    }),
    ...(panel === 'off'
      ? []
      : [
          add('GET', ':view', 'token', ({ pathParams, queryParams, headers }) =>
            answers.see(pathParams.view ?? '', withPrefix(queryParams, headers)),
          ),
          add('POST', 'change', 'token', ({ body }) => answers.change(body)),
        ]),
  ]
  return () => {
    callers.close()
    for (const remove of removals) remove()
  }
}

/** Motia allows every origin to read every answer; these are for pages of the server itself. `null` is one of sandboxes. */
const closed = {
  'Access-Control-Allow-Origin': '',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
}
