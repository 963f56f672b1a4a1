import type { MotiaApp } from './motia-app.ts'

export interface Answer<T> {
  readonly status: number
  readonly body: T
  readonly headers: Headers
}

export interface RequestOptions {
  readonly body?: unknown
  /** A session id, sent as the bearer. */
  readonly session?: string
}

/** `ask(app, 'POST /orders', { body, session })`; the caller names the shape of the answer. */
export const ask = async <T = unknown>(
  app: MotiaApp,
  route: string,
  { body, session }: RequestOptions = {},
): Promise<Answer<T>> => {
  const [method = 'GET', path = '/'] = route.split(' ')
  const response = await app.fetch(path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(session === undefined ? {} : { authorization: `Bearer ${session}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: jsonOr(text) as T }
}

const jsonOr = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Logs a member of the example app in; the session id. */
export const login = async (app: MotiaApp, user: 'ada' | 'bob'): Promise<string> => {
  const { sessionId } = await app.json<{ sessionId: string }>('/auth/login', { user, password: 'motia' })
  return sessionId
}

export interface Probed {
  readonly value?: unknown
  readonly code?: string
  readonly applied?: string
  readonly message?: string
  /** ms the call took inside the step. */
  readonly took: number
}

/** One call of context.cache or context.state inside a step (test/fixtures/probe). */
export const probe = (app: MotiaApp, on: 'cache' | 'state', call: string, ...args: unknown[]): Promise<Probed> =>
  app.json<Probed>('/probe', { on, call, args })
