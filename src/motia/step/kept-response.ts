import type { ApiResponse } from 'motia'

/** An answer as it is stored. */
export interface KeptResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  /** The body is a Buffer, in base64. */
  readonly binary?: true
}

/** Undefined where the answer must not be given to anybody else. */
export const keep = (response: ApiResponse<number, unknown> | undefined): KeptResponse | undefined => {
  if (response === undefined || response === null) return undefined
  const { status, headers = {}, body } = response
  if (!(status >= 200 && status < 300) || status === 206) return undefined
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (lower === 'set-cookie') return undefined
    if (lower === 'cache-control' && /no-store|no-cache|private/i.test(String(value))) return undefined
    if (lower === 'vary') return undefined
  }
  return Buffer.isBuffer(body)
    ? { status, headers, body: body.toString('base64'), binary: true }
    : { status, headers, body }
}

export const restore = (kept: KeptResponse, seen: 'hit' | 'miss'): ApiResponse<number, unknown> => ({
  status: kept.status,
  headers: { ...kept.headers, 'x-cache': seen },
  body: kept.binary === true ? Buffer.from(String(kept.body), 'base64') : kept.body,
})
