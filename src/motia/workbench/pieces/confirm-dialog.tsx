import { type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react'
import type { ApiResult } from '../api.js'
import { SteadyButton } from './steady-button.js'

export interface Confirmation {
  readonly title: string
  /** What will be gone or changed, with the count as far as it is known. */
  readonly text: ReactNode
  /** What the button does, as a verb with its object: "Clear 1,204 entries". */
  readonly action: string
  readonly run: () => Promise<ApiResult<unknown>>
}

/** Asks before something is changed for good. Closes when it is done; a refusal is said inside. */
export const ConfirmDialog = ({
  confirmation,
  onClose,
}: {
  readonly confirmation: Confirmation
  /** `done`: it was done, rather than left. */
  readonly onClose: (done: boolean) => void
}): ReactNode => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<string>()
  const [heading, body] = [useId(), useId()]

  useLayoutEffect(() => {
    const shown = dialog.current
    // As a modal dialog the browser keeps the focus in it, and what lies behind it out of reach.
    shown?.showModal()
    // Only a dialog that is closed, rather than taken away, gives the focus back.
    return () => shown?.close()
  }, [])

  const confirm = async (): Promise<void> => {
    setBusy(true)
    setRefused(undefined)
    const result = await confirmation.run()
    setBusy(false)
    if (result.ok) onClose(true)
    else setRefused(result.failure.text)
  }

  return (
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      aria-describedby={body}
      className="mr-dialog m-auto w-[min(26rem,calc(100vw-2rem))] rounded-lg border p-5"
      data-testid="cache-confirm"
      onKeyDown={(event) => {
        // The browser heeds only the first "no" to Escape: while a change is under way it isn't asked at all.
        if (busy && event.key === 'Escape') event.preventDefault()
      }}
      onCancel={(event) => {
        event.preventDefault()
        if (!busy) onClose(false)
      }}
      onClose={({ currentTarget }) => {
        if (currentTarget.open) return
        // By another gesture than Escape. What comes of the change must be seen.
        if (busy) currentTarget.showModal()
        else onClose(false)
      }}
    >
      <h2 id={heading} className="text-base font-semibold break-words">
        {confirmation.title}
      </h2>
      <div id={body} className="mt-2 text-sm text-muted-foreground break-words">
        {confirmation.text}
      </div>
      {refused !== undefined && (
        <p role="alert" className="mr-bad mt-3 text-sm" data-testid="cache-confirm-refused">
          {refused}
        </p>
      )}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <SteadyButton variant="default" autoFocus onClick={busy ? undefined : () => onClose(false)}>
          Cancel
        </SteadyButton>
        <SteadyButton
          variant="destructive"
          aria-busy={busy}
          onClick={busy ? undefined : () => void confirm()}
          data-testid="cache-confirm-action"
        >
          {confirmation.action}
        </SteadyButton>
      </div>
    </dialog>
  )
}
