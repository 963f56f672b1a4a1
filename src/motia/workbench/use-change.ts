import { useCallback, useState } from 'react'
import type { Change, Changed } from '../../sight/contract.js'
import { type ApiResult, change } from './api.js'

export interface Changing {
  readonly busy: boolean
  /** Resolves with what came of it; never rejects. */
  readonly run: (body: Change) => Promise<ApiResult<Changed>>
}

/** One change at a time, so that a button can show that it works. */
export const useChange = (): Changing => {
  const [busy, setBusy] = useState(false)
  const run = useCallback(async (body: Change) => {
    setBusy(true)
    const result = await change(body)
    setBusy(false)
    return result
  }, [])
  return { busy, run }
}
