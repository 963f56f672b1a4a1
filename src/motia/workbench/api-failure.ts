import { sentence } from './format.js'

/** What a request came to when it didn't come to an answer. */
export interface ApiFailure {
  /** One sentence, to be shown. */
  readonly text: string
  /** locked: not from here, or not without the token; away: nobody answered, so what was known before may still be shown. */
  readonly kind: 'locked' | 'away' | 'refused'
  /** Of locked: whether a token is asked for, or the one that was given isn't it. Undefined: the server has none. */
  readonly token?: 'asked' | 'refused'
}

/** `body`: what the server said, parsed. */
export const failureOf = (status: number, body: unknown): ApiFailure => {
  const said = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined
  const text =
    typeof said === 'string' && said !== '' ? sentence(said) : `The server has no answer to this (status ${status}).`
  if (status === 403 && text.includes('MOTIA_REDIS_TOKEN')) {
    if (text.includes('token is not that')) return { kind: 'locked', text, token: 'refused' }
    return { kind: 'locked', text, ...(text.includes('token of') && { token: 'asked' }) }
  }
  return { kind: status >= 500 ? 'away' : 'refused', text }
}
