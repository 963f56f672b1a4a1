import { Button, Input } from '@motiadev/ui'
import { LockKeyhole } from 'lucide-react'
import { type ReactNode, useId, useState } from 'react'
import { type ApiFailure, rememberToken } from '../api.js'

/** The server refused: why, and where the token goes that opens. */
export const Locked = ({ failure, again }: { readonly failure: ApiFailure; readonly again: () => void }): ReactNode => {
  const [token, setToken] = useState('')
  const field = useId()
  return (
    <form
      className="m-auto flex w-full max-w-md flex-col gap-3 p-6"
      data-testid="cache-locked"
      onSubmit={(event) => {
        event.preventDefault()
        rememberToken(token.trim())
        again()
      }}
    >
      <LockKeyhole aria-hidden="true" className="size-6 text-muted-foreground" />
      <h2 className="text-base font-semibold">This panel is locked</h2>
      <p role="alert" className="text-sm text-muted-foreground break-words">
        {failure.text}
      </p>
      <label htmlFor={field} className="text-sm font-medium">
        Token
      </label>
      <div className="flex gap-2">
        <Input
          id={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={token}
          onChange={(event) => setToken(event.target.value)}
          className="mr-field h-9"
          data-testid="cache-token"
        />
        <Button type="submit" variant="accent" disabled={token.trim() === ''}>
          Open
        </Button>
      </div>
      <p className="text-xs text-muted-foreground">It is kept until this browser tab is closed, and nowhere else.</p>
    </form>
  )
}
