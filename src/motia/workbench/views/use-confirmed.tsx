import { type ReactNode, useCallback, useState } from 'react'
import type { Change } from '../../../sight/contract.js'
import { type ApiResult, change } from '../api.js'
import { type Confirmation, ConfirmDialog } from '../pieces/confirm-dialog.js'

export interface ToConfirm extends Omit<Confirmation, 'run'> {
  readonly change: Change
  /** What is said when it is done; `count` as far as the server knows it. */
  readonly done: (count: number | undefined) => string
  /** What is looked at again then. */
  readonly then: () => void
}

/** Changes that are asked about first, and what came of the last one. */
export const useConfirmed = (): {
  readonly ask: (change: ToConfirm) => void
  /** To be drawn somewhere in the view. */
  readonly dialog: ReactNode
  readonly said: string | undefined
} => {
  const [asked, setAsked] = useState<ToConfirm>()
  const [said, setSaid] = useState<string>()
  const ask = useCallback((next: ToConfirm) => {
    setSaid(undefined)
    setAsked(next)
  }, [])

  const run = async (of: ToConfirm): Promise<ApiResult<unknown>> => {
    const result = await change(of.change)
    if (result.ok) setSaid(of.done(result.answer.count))
    return result
  }
  const close = (of: ToConfirm, done: boolean): void => {
    setAsked(undefined)
    if (done) of.then()
  }

  const dialog =
    asked === undefined ? null : (
      <ConfirmDialog
        key={JSON.stringify(asked.change)}
        confirmation={{ title: asked.title, text: asked.text, action: asked.action, run: () => run(asked) }}
        onClose={(done) => close(asked, done)}
      />
    )
  return { ask, dialog, said }
}
